/** Runs every case of a protocol against every backend. */
import { join } from "node:path";
import { backends } from "../backends.ts";
import { CaseMaker, keyOf, type SweepCase, variants } from "./cases.ts";
import { SweptGateway } from "./gateway.ts";
import type { Protocol, Silence } from "./protocol.ts";
import { type Field, type Shape, TypeGraph } from "./type-graph.ts";
import { judge } from "./verdict.ts";

export interface Swept {
  readonly cases: readonly SweepCase[];
  /** Fields that have cases, or a reason for having none, as `Owner.field`. */
  readonly fields: ReadonlySet<string>;
  /** One line for each case and backend where something is wrong. */
  readonly problems: readonly string[];
  /** Reasons to be silent that were needed. */
  readonly silences: ReadonlySet<Silence>;
}

const root = join(import.meta.dir, "../../..");

/** The type of a protocol's requests. */
export async function requestShape({ files, request }: Pick<Protocol, "files" | "request">): Promise<Shape> {
  return (await TypeGraph.read(root, files)).shapeOf(files[0]!, request);
}

export async function sweep(protocol: Protocol, shape: Shape): Promise<Swept> {
  const maker = new CaseMaker(protocol);
  const cases = maker.make(shape);
  const gateway = await SweptGateway.start();
  const problems: string[] = [];
  const silences = new Set<Silence>();
  for (const backend of backends) {
    for (const each of cases) {
      const { verdict, problem, silence } = await judge(gateway, protocol, backend, each);
      if (silence !== undefined) silences.add(silence);
      if (verdict === undefined) problems.push(`${backend.name}: ${each.name} at ${each.path}: ${problem}`);
    }
  }
  return { cases, fields: maker.swept, problems, silences };
}

/** Every field of every object that a request may hold, by `Owner.field`; those for which `enters` says no are not looked into. */
export function allFields(shape: Shape, enters: (key: string) => boolean = () => true): Map<string, Field> {
  const found = new Map<string, Field>();
  const visited = new Set<Shape>();
  const visit = (each: Shape) => {
    for (const object of variants(each)) {
      if (visited.has(object)) continue;
      visited.add(object);
      for (const field of object.fields) {
        found.set(keyOf(field), field);
        if (enters(keyOf(field))) visit(field.shape());
      }
    }
  };
  visit(shape);
  return found;
}
