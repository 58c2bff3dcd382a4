/** Runs every case of a protocol against every backend. */
import { join } from "node:path";
import { backends } from "../backends.ts";
import { CaseMaker, type SweepCase } from "./cases.ts";
import { SweptGateway } from "./gateway.ts";
import type { Protocol } from "./protocol.ts";
import { TypeGraph } from "./type-graph.ts";
import { judge, type Verdict } from "./verdict.ts";

export interface Swept {
  readonly cases: readonly SweepCase[];
  readonly fields: ReadonlySet<string>;
  readonly verdicts: Readonly<Record<Verdict, number>>;
  /** One line for each case and backend where something is wrong. */
  readonly problems: readonly string[];
}

export async function sweep(protocol: Protocol): Promise<Swept> {
  const graph = await TypeGraph.read(join(import.meta.dir, "../../.."), protocol.files);
  const maker = new CaseMaker(protocol);
  const cases = maker.make(graph.shapeOf(protocol.files[0]!, protocol.request));
  const gateway = await SweptGateway.start();
  const verdicts = { arrived: 0, told: 0, refused: 0, needless: 0 };
  const problems: string[] = [];
  for (const backend of backends) {
    for (const each of cases) {
      const { verdict, problem } = await judge(gateway, protocol, backend, each);
      if (verdict === undefined) problems.push(`${backend.name}: ${each.name} at ${each.path}: ${problem}`);
      else verdicts[verdict]++;
    }
  }
  return { cases, fields: maker.swept, verdicts, problems };
}
