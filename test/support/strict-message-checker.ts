/**
 * What the strictest clients insist on in the events of Anthropic's Messages protocol: an independent reading of its reference and of
 * what the official clients do with each event, which shares nothing with the code that keeps the rules.
 */
export interface CheckedMessage {
  /** Broken rules, in words; empty when all is well. */
  readonly problems: readonly string[];
  readonly content: string;
  readonly thinking: string;
  readonly signature: string;
  readonly calls: readonly { readonly id: string; readonly name: string; readonly input: unknown }[];
  readonly stopReason: string | undefined;
  readonly usage: Record<string, unknown> | undefined;
}

// deno-lint-ignore no-explicit-any -- events are looked into field by field, and nothing of them is certain.
type Anything = any;

const stopReasons = [
  "end_turn",
  "max_tokens",
  "stop_sequence",
  "tool_use",
  "pause_turn",
  "refusal",
  "model_context_window_exceeded",
];

const isText = (value: unknown) => typeof value === "string";
const isName = (value: unknown) => typeof value === "string" && value !== "";
const isCount = (value: unknown) => Number.isInteger(value) && (value as number) >= 0;
const isObject = (value: unknown) => typeof value === "object" && value !== null && !Array.isArray(value);
const isNothing = (value: unknown) => value === null || value === undefined;

/** The fields of each kind of block that clients know, when it begins. */
const blockFields: Readonly<Record<string, Readonly<Record<string, (value: unknown) => boolean>>>> = {
  // What a block has to say comes in pieces; there are clients that read nothing else.
  text: { text: (value) => value === "" },
  thinking: { thinking: (value) => value === "", signature: (value) => value === "" },
  redacted_thinking: { data: isText },
  tool_use: {
    id: isName,
    name: isName,
    input: (value) => isObject(value) && Object.keys(value as object).length === 0,
  },
};

/** What may be added to which kind of block, and the field that carries it. */
const deltaKinds: Readonly<Record<string, readonly [block: string, field: string]>> = {
  text_delta: ["text", "text"],
  thinking_delta: ["thinking", "thinking"],
  signature_delta: ["thinking", "signature"],
  input_json_delta: ["tool_use", "partial_json"],
};

/** @param texts the JSON text of each event. */
export function checkMessage(texts: readonly string[]): CheckedMessage {
  const problems: string[] = [];
  const say = (condition: unknown, problem: string) => {
    if (!condition) problems.push(problem);
  };
  let content = "";
  let thinking = "";
  let signature = "";
  const calls: { id: string; name: string; input: unknown; json: string }[] = [];
  let stopReason: string | undefined;
  let usage: Record<string, unknown> | undefined;
  let blocks = 0;
  let open: Anything;
  let begun = false;
  let stopped = false;

  texts.forEach((text, position) => {
    const event: Anything = JSON.parse(text);
    const where = `event ${position} (${event.type})`;
    say(isName(event.type), `${where}: type`);
    say(!stopped, `${where}: after the end`);
    say(begun || event.type === "message_start", `${where}: before the beginning`);
    switch (event.type) {
      case "ping":
        return;
      case "message_start":
        say(!begun, `${where}: again`);
        begun = true;
        checkStart(event.message, where);
        return;
      case "content_block_start":
        say(open === undefined, `${where}: block ${open?.index} is open`);
        say(event.index === blocks, `${where}: index ${event.index} instead of ${blocks}`);
        say(stopReason === undefined, `${where}: after the reason`);
        blocks++;
        open = { index: event.index, kind: event.content_block?.type };
        checkBlock(event.content_block, where);
        return;
      case "content_block_delta":
        say(open?.index === event.index && open !== undefined, `${where}: block ${event.index} is not open`);
        checkDelta(event.delta, where);
        return;
      case "content_block_stop":
        say(open?.index === event.index && open !== undefined, `${where}: block ${event.index} is not open`);
        open = undefined;
        return;
      case "message_delta":
        say(open === undefined, `${where}: block ${open?.index} is open`);
        say(isObject(event.delta), `${where}: delta`);
        say(
          isNothing(event.delta?.stop_sequence) || isText(event.delta.stop_sequence),
          `${where}: stop_sequence`,
        );
        say(isObject(event.usage) && isCount(event.usage.output_tokens), `${where}: usage.output_tokens`);
        for (const [field, value] of Object.entries(event.usage ?? {})) {
          if (field.endsWith("_tokens")) say(value === null || isCount(value), `${where}: usage.${field}`);
        }
        usage = { ...usage, ...event.usage };
        // The last word holds, also when it says nothing.
        stopReason = event.delta?.stop_reason ?? undefined;
        return;
      case "message_stop":
        stopped = true;
        return;
      case "error":
        say(false, `${where}: ${event.error?.message}`);
        return;
      default:
        say(open === undefined, `${where}: inside a block`);
    }
  });
  say(begun, "it never began");
  say(stopped, "it never ended");
  say(stopReasons.includes(stopReason ?? ""), `stop_reason ${stopReason}`);
  say(stopReason !== "tool_use" || calls.length > 0, "stop_reason tool_use without any");
  for (const call of calls) {
    if (call.json === "" || stopReason === "max_tokens") continue;
    try {
      call.input = JSON.parse(call.json);
    } catch {
      call.input = undefined;
    }
    say(isObject(call.input), `input of ${call.name}: ${call.json}`);
  }
  say(new Set(calls.map(({ id }) => id)).size === calls.length, "two calls of one id");
  return {
    problems,
    content,
    thinking,
    signature,
    calls: calls.map(({ json: _json, ...call }) => call),
    stopReason,
    usage,
  };

  function checkStart(message: Anything, where: string): void {
    say(isName(message?.id), `${where}: id`);
    say(message?.type === "message", `${where}: type`);
    say(message?.role === "assistant", `${where}: role`);
    say(isName(message?.model), `${where}: model`);
    say(Array.isArray(message?.content) && message.content.length === 0, `${where}: content`);
    say(isNothing(message?.stop_reason), `${where}: stop_reason`);
    say(isNothing(message?.stop_sequence), `${where}: stop_sequence`);
    for (const field of ["input_tokens", "output_tokens"]) {
      say(isCount(message?.usage?.[field]), `${where}: usage.${field}`);
    }
    for (const [field, value] of Object.entries(message?.usage ?? {})) {
      if (field.endsWith("_tokens")) say(value === null || isCount(value), `${where}: usage.${field}`);
    }
    usage = message?.usage;
  }

  function checkBlock(block: Anything, where: string): void {
    say(isName(block?.type), `${where}: type of the block`);
    for (const [field, holds] of Object.entries(blockFields[block?.type] ?? {})) {
      say(holds(block[field]), `${where}: ${field}`);
    }
    if (block?.type === "tool_use") {
      calls.push({ id: block.id, name: block.name, input: block.input, json: "" });
    }
  }

  function checkDelta(delta: Anything, where: string): void {
    say(isName(delta?.type), `${where}: type of the delta`);
    const known = deltaKinds[delta?.type];
    if (known === undefined) return;
    const [kind, field] = known;
    const value = delta[field];
    say(
      open?.kind === kind || kind === "tool_use" && !(open?.kind in blockFields),
      `${where}: in a ${open?.kind}`,
    );
    say(isText(value) && value.isWellFormed(), `${where}: ${field}`);
    if (delta.type === "text_delta") content += value;
    else if (delta.type === "thinking_delta") thinking += value;
    else if (delta.type === "signature_delta") signature = value;
    else if (open?.kind === "tool_use") calls.at(-1)!.json += value;
  }
}
