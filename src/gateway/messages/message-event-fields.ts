import { isPlainObject, isUnsigned } from "../normalise/loose-values.ts";

type Loose = Readonly<Record<string, unknown>>;

/** Blocks whose input comes in pieces of JSON. */
const tools: ReadonlySet<unknown> = new Set(["tool_use", "server_tool_use", "mcp_tool_use"]);

/** Fields of blocks that clients put pieces behind; without one they would put them behind nothing. */
const texts: Readonly<Record<string, readonly string[]>> = {
  text: ["text"],
  thinking: ["thinking", "signature"],
};

/** The kind of block that each kind of piece belongs to, and the field that holds it. */
const pieces: Readonly<Record<string, readonly [block: string, field: string]>> = {
  text_delta: ["text", "text"],
  thinking_delta: ["thinking", "thinking"],
  signature_delta: ["thinking", "signature"],
  input_json_delta: ["tool_use", "partial_json"],
};

/** Reasons of the other protocol, which some backends put here. */
const reasons: Readonly<Record<string, string>> = {
  stop: "end_turn",
  length: "max_tokens",
  tool_calls: "tool_use",
  function_call: "tool_use",
  content_filter: "refusal",
};

export function isTool(kind: unknown): boolean {
  return tools.has(kind);
}

/** Where a piece keeps what it adds; undefined for kinds that are not known. */
export function fieldOf(delta: Loose): string | undefined {
  return pieces[String(delta.type)]?.[1];
}

/** Whether a piece may be added to a block of this kind; what is not known may be anything. */
export function belongsTo(delta: Loose, kind: string): boolean {
  const [block] = pieces[String(delta.type)] ?? [];
  if (block === undefined || !(kind in texts || isTool(kind))) return true;
  return block === kind || (block === "tool_use" && isTool(kind));
}

/** The message that a stream begins with; the given one when nothing is wrong with it. */
export function mendMessage(
  given: unknown,
  id: string,
  model: string,
  forcedModel: string | undefined,
): Loose {
  const message = isPlainObject(given) ? given : {};
  const { usage } = message;
  const wrong: Record<string, unknown> = {};
  if (!isName(message.id)) wrong.id = id;
  if (message.type !== "message") wrong.type = "message";
  if (message.role !== "assistant") wrong.role = "assistant";
  const named = forcedModel ?? (isName(message.model) ? message.model : model);
  if (message.model !== named) wrong.model = named;
  if (!Array.isArray(message.content) || message.content.length > 0) wrong.content = [];
  if (
    !isPlainObject(usage) || !countsAreClean(usage) || !isUnsigned(usage.input_tokens) ||
    !isUnsigned(usage.output_tokens)
  ) {
    wrong.usage = { input_tokens: 0, output_tokens: 0, ...counts(usage) };
  }
  return withFields(message, wrong);
}

/** The beginning of a block. */
export interface BlockStart {
  /** The given one when nothing is wrong with it. */
  readonly block: Loose;
  /** What it said already, as pieces: there are clients that read nothing else. */
  readonly said: readonly Loose[];
  /** A tool's input, where it came already. */
  readonly input: Loose | undefined;
}

export function mendBlock(given: Loose, id: string, isTaken: (id: string) => boolean): BlockStart {
  const wrong: Record<string, unknown> = {};
  const said: Loose[] = [];
  let input: Loose | undefined;
  for (const field of texts[String(given.type)] ?? []) {
    const value = given[field];
    if (value === "") continue;
    wrong[field] = "";
    if (typeof value === "string") said.push({ type: `${field}_delta`, [field]: value });
  }
  if (isTool(given.type)) {
    if (!isName(given.id) || isTaken(given.id)) wrong.id = id;
    if (!isPlainObject(given.input)) wrong.input = {};
    else if (given.type === "tool_use" && Object.keys(given.input).length > 0) {
      input = given.input;
      wrong.input = {};
    }
  }
  return { block: withFields(given, wrong), said, input };
}

/** Why the answer ended; calls, and only calls, end it in `tool_use`. */
export function mendReason(given: unknown, called: boolean): string | undefined {
  if (!isName(given)) return undefined;
  const reason = reasons[given] ?? given;
  if (called) return reason === "end_turn" ? "tool_use" : reason;
  return reason === "tool_use" ? "end_turn" : reason;
}

/** The counts at the end, of which that of the output must be there; the given ones when nothing is wrong with them. */
export function mendUsage(given: unknown, outputTokens: number): Loose {
  if (isPlainObject(given) && countsAreClean(given) && isUnsigned(given.output_tokens)) return given;
  return { output_tokens: outputTokens, ...counts(given) };
}

/** With every count a number or nothing. */
export function counts(given: unknown): Loose {
  if (!isPlainObject(given)) return {};
  return Object.fromEntries(
    Object.entries(given).flatMap(([field, value]): [string, unknown][] => {
      if (!field.endsWith("_tokens") || isUnsigned(value)) return [[field, value]];
      const number = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
      return typeof number === "number" && number >= 0 ? [[field, Math.round(number)]] : [];
    }),
  );
}

function countsAreClean(usage: Loose): boolean {
  return Object.entries(usage).every(([field, value]) =>
    !field.endsWith("_tokens") || value === null || isUnsigned(value)
  );
}

function isName(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}

function withFields(given: Loose, fields: Loose): Loose {
  for (const _field in fields) return { ...given, ...fields };
  return given;
}
