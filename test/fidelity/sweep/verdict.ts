/** Judges a case: whether what the field says went on, or was told to be lost, or was refused. */
import type { Backend } from "../backends.ts";
import type { SweepCase } from "./cases.ts";
import type { Outcome, Request, SweptGateway } from "./gateway.ts";
import type { Protocol } from "./protocol.ts";

export type Verdict = "arrived" | "told" | "refused" | "needless";

export interface Judgement {
  /** Undefined when none of them is so. */
  readonly verdict: Verdict | undefined;
  /** What is wrong then. */
  readonly problem?: string;
}

export async function judge(
  gateway: SweptGateway,
  protocol: Protocol,
  backend: Backend,
  sweepCase: SweepCase,
): Promise<Judgement> {
  const ask = (request: Request) => gateway.ask(protocol.ingress, backend, request);
  const outcome = await ask(sweepCase.request);
  if (outcome.status === 400) return judgeRefusal(outcome.error, protocol, sweepCase);
  if (outcome.status !== 200) return wrong(`status ${outcome.status}: ${JSON.stringify(outcome.error)}`);
  const without = sweepCase.without === undefined ? undefined : await ask(sweepCase.without);
  const changed: Outcome[] = [];
  for (const other of sweepCase.changed) changed.push(await ask(other));
  const isSame = (other: Outcome | undefined) => other?.status === 200 && other.sent === outcome.sent;
  const alike = changed.filter(isSame);
  if (!isSame(without) && alike.length === 0) return { verdict: "arrived" };
  const { losses } = outcome;
  // Of two values that are sent alike, one at least is not what was asked for.
  const all = [...losses, ...alike.flatMap((other) => other.losses)];
  if (all.some((loss) => isAround(loss, sweepCase.path) || isAlias(loss, sweepCase))) {
    return { verdict: "told" };
  }
  const fresh = all.filter((loss) => !without?.losses.includes(loss));
  if (fresh.some((loss) => lastName(placeOf(loss)) === lastName(sweepCase.path))) return { verdict: "told" };
  if (sweepCase.silences.some(({ backends }) => backends?.includes(backend.name) ?? true)) {
    return { verdict: "needless" };
  }
  return wrong(`lost without a word; losses: ${losses.join(", ") || "none"}`);
}

function wrong(problem: string): Judgement {
  return { verdict: undefined, problem };
}

/** `dropped messages[0].name` names a place. */
function placeOf(loss: string): string {
  return decodeURI(loss.replace(/^\w+ /, ""));
}

/** Whether the loss is of the very thing, of something in it, or of all that it is in. */
function isAround(loss: string, path: string): boolean {
  const place = placeOf(loss);
  return isWithin(place, path) || (loss.startsWith("dropped") && isWithin(path, place));
}

function isWithin(inner: string, outer: string): boolean {
  return inner.startsWith(outer) && !/^\w/.test(inner.slice(outer.length));
}

/** Whether the loss is told under another name that the thing, or all that it is in, has in chat completions. */
function isAlias(loss: string, { aliases }: SweepCase): boolean {
  return aliases.includes(lastName(placeOf(loss)));
}

function lastName(path: string): string {
  return path.replace(/\[\d+\]/g, "").split(".").at(-1)!;
}

/** A refusal has the shape of the client's protocol, and says what it is about. */
function judgeRefusal(error: unknown, { ingress }: Protocol, { words, path }: SweepCase): Judgement {
  const { type, error: inner } = error as { type?: unknown; error?: Record<string, unknown> };
  const isWhole = ingress === "messages"
    ? type === "error" && typeof inner?.type === "string" && typeof inner.message === "string"
    : inner !== undefined && ["message", "type", "param", "code"].every((field) => field in inner);
  if (!isWhole) return wrong(`an error in no shape of this protocol: ${JSON.stringify(error)}`);
  const said = [inner?.param, inner?.message].join(" ").split(/[^\w]+/);
  const known = [...words, ...path.split(/[^a-z_]+/)].filter((word) => word !== "");
  if (known.some((word) => said.includes(word))) return { verdict: "refused" };
  return wrong(`an error that does not name it: ${JSON.stringify(error)}`);
}
