/**
 * What the strictest clients insist on in a stream of chat pieces (wire facts §1.2, §3.3, §3.4): an independent reading of the rules,
 * which shares nothing with the code that keeps them.
 */
export interface CheckedStream {
  /** Broken rules, in words; empty when all is well. */
  readonly problems: readonly string[];
  readonly content: string;
  readonly reasoning: string;
  readonly calls: readonly { readonly id: string; readonly name: string; readonly arguments: string }[];
  readonly finish: string | undefined;
  readonly usage: Record<string, unknown> | undefined;
}

// deno-lint-ignore no-explicit-any -- pieces are looked into field by field, and nothing of them is certain.
type Anything = any;

const finishReasons = ["stop", "length", "tool_calls", "content_filter", "function_call"];
const serviceTiers = ["auto", "default", "flex", "scale", "priority"];

/** @param texts the JSON text of each event, without `[DONE]`. */
export function checkStream(texts: readonly string[], includeUsage: boolean): CheckedStream {
  const problems: string[] = [];
  const say = (condition: unknown, problem: string) => {
    if (!condition) problems.push(problem);
  };
  const pieces: Anything[] = texts.map((text) => JSON.parse(text));
  const [first] = pieces;
  let content = "";
  let reasoning = "";
  let finish: string | undefined;
  let usage: Record<string, unknown> | undefined;
  let roles = 0;
  const calls: { id: string; name: string; arguments: string }[] = [];
  /** Calls whose input is plain text. */
  const plain = new Set<unknown>();

  pieces.forEach((piece, position) => {
    say(typeof piece.id === "string" && piece.id !== "" && piece.id === first.id, `piece ${position}: id`);
    say(piece.object === "chat.completion.chunk", `piece ${position}: object`);
    say(
      Number.isInteger(piece.created) && piece.created >= 0 && piece.created === first.created,
      `piece ${position}: created`,
    );
    say(
      typeof piece.model === "string" && piece.model !== "" && piece.model === first.model,
      `piece ${position}: model`,
    );
    say(Array.isArray(piece.choices), `piece ${position}: choices`);
    say(texts[position]!.isWellFormed() && isWellFormed(piece), `piece ${position}: half a character`);
    say(
      ["string", "undefined"].includes(typeof (piece.system_fingerprint ?? undefined)),
      `piece ${position}: fingerprint`,
    );
    say(!("error" in piece), `piece ${position}: error`);
    say(
      piece.service_tier === undefined || piece.service_tier === null ||
        serviceTiers.includes(piece.service_tier),
      `piece ${position}: service_tier`,
    );
    if (piece.usage !== undefined && piece.usage !== null) {
      say(
        includeUsage && position === pieces.length - 1 && piece.choices.length === 0,
        `piece ${position}: usage out of place`,
      );
      for (const field of ["prompt_tokens", "completion_tokens", "total_tokens"]) {
        say(Number.isInteger(piece.usage[field]) && piece.usage[field] >= 0, `usage.${field}`);
      }
      for (const field of ["prompt_tokens_details", "completion_tokens_details"]) {
        const details = piece.usage[field] ?? {};
        say(!Array.isArray(details) && Object.values(details).every(isCountOrNull), `usage.${field}`);
      }
      usage = piece.usage;
    } else {
      say(piece.choices.length > 0, `piece ${position}: no choices`);
    }
    for (const choice of piece.choices) checkChoice(choice, position);
  });
  say(finish !== undefined, "finish_reason never came");
  for (const call of calls) {
    if (finish === "length" || plain.has(call)) continue;
    try {
      JSON.parse(call.arguments);
    } catch {
      problems.push(`arguments of ${call.name}: ${call.arguments}`);
    }
  }
  if (calls.length > 0) {
    say(finish === "tool_calls" || finish === "length", `finish_reason ${finish} with calls`);
  } else say(finish !== "tool_calls", "finish_reason tool_calls without calls");
  return { problems, content, reasoning, calls, finish, usage };

  function checkChoice(choice: Anything, position: number): void {
    const where = `piece ${position}`;
    say(Number.isInteger(choice.index) && choice.index >= 0, `${where}: index`);
    say(
      typeof choice.delta === "object" && choice.delta !== null && !Array.isArray(choice.delta),
      `${where}: delta`,
    );
    say(!("message" in choice), `${where}: a whole message`);
    say(choice.logprobs === undefined || areLogprobs(choice.logprobs), `${where}: logprobs`);
    say((choice.delta.annotations ?? []).every(isCitation), `${where}: annotations`);
    say(["string", "undefined"].includes(typeof (choice.delta.refusal ?? undefined)), `${where}: refusal`);
    say(
      "finish_reason" in choice &&
        (choice.finish_reason === null || finishReasons.includes(choice.finish_reason)),
      `${where}: finish_reason`,
    );
    say(finish === undefined, `${where}: after the end`);
    const { role, content: text, tool_calls: list } = choice.delta;
    if (role !== undefined) {
      say(role === "assistant" && ++roles === 1, `${where}: role`);
    } else say(roles === 1, `${where}: no role yet`);
    say(text === undefined || text === null || typeof text === "string", `${where}: content`);
    content += text ?? "";
    say(
      (choice.delta.reasoning ?? null) === (choice.delta.reasoning_content ?? null),
      `${where}: one spelling of reasoning only`,
    );
    reasoning += choice.delta.reasoning_content ?? "";
    for (const call of list ?? []) {
      say(Number.isInteger(call.index) && call.index <= calls.length, `${where}: tool index`);
      const known = calls[call.index];
      // A call is of a function, or of a tool whose input is plain text.
      const { name, arguments: text } = "custom" in call
        ? { name: call.custom.name, arguments: call.custom.input }
        : call.function ?? {};
      if (known === undefined) {
        say(typeof call.id === "string" && call.id !== "", `${where}: tool id`);
        say(call.type === ("custom" in call ? "custom" : "function"), `${where}: tool type`);
        say(typeof name === "string" && name !== "", `${where}: tool name`);
        calls[call.index] = { id: call.id, name, arguments: text };
        if ("custom" in call) plain.add(calls[call.index]);
      } else {
        say(
          call.id === undefined && name === undefined && call.type === undefined,
          `${where}: id, type or name again`,
        );
        known.arguments += text;
      }
      say(typeof text === "string", `${where}: arguments`);
    }
    if (choice.finish_reason !== null) finish = choice.finish_reason;
  }
}

function isWellFormed(value: Anything): boolean {
  if (typeof value === "string") return value.isWellFormed();
  return typeof value !== "object" || value === null || Object.values(value).every(isWellFormed);
}

function isCountOrNull(value: unknown): boolean {
  return value === null || Number.isInteger(value) && (value as number) >= 0;
}

function areLogprobs(given: Anything): boolean {
  if (given === null) return true;
  if (typeof given !== "object" || Array.isArray(given)) return false;
  const isToken = (token: Anything) => typeof token?.token === "string" && typeof token.logprob === "number";
  return [...given.content ?? [], ...given.refusal ?? []].every((token: Anything) =>
    isToken(token) && Array.isArray(token.top_logprobs) && token.top_logprobs.every(isToken)
  );
}

function isCitation({ type, url_citation: citation }: Anything): boolean {
  if (type !== "url_citation") return true;
  return typeof citation.url === "string" && typeof citation.title === "string" &&
    Number.isInteger(citation.start_index) && Number.isInteger(citation.end_index);
}
