/**
 * What strict clients insist on in the Responses protocol: an independent reading of OpenAI's reference and of the openresponses
 * schema, which shares nothing with the code that keeps the rules.
 */
export interface CheckedResponse {
  /** Broken rules, in words; empty when all is well. */
  readonly problems: readonly string[];
  readonly text: string;
  readonly refusal: string;
  /** Reasoning, in summary or in the model's own words. */
  readonly reasoning: string;
  readonly calls: readonly { readonly type: string; readonly name: string; readonly input: string }[];
  /** `completed`, `incomplete` or `failed`; undefined when the end never came. */
  readonly status: string | undefined;
  readonly response: Anything;
}

// deno-lint-ignore no-explicit-any -- events are looked into field by field, and nothing of them is certain.
type Anything = any;
type Say = (condition: unknown, problem: string) => void;

const isText = (value: unknown) => typeof value === "string";
const isCount = (value: unknown) => Number.isInteger(value) && (value as number) >= 0;
const isNumber = (value: unknown) => typeof value === "number";
const isFlag = (value: unknown) => typeof value === "boolean";
const isObject = (value: unknown) => typeof value === "object" && value !== null && !Array.isArray(value);
const isList = Array.isArray;
const orNull = (holds: (value: unknown) => boolean) => (value: unknown) => value === null || holds(value);
const oneOf = (...values: readonly unknown[]) => (value: unknown) => values.includes(value);

/** Every field of a response, with what it may be; all of them must be there. */
const responseFields: Readonly<Record<string, (value: unknown) => boolean>> = {
  id: (value) => isText(value) && (value as string).startsWith("resp_"),
  object: oneOf("response"),
  created_at: isCount,
  completed_at: orNull(isCount),
  status: oneOf("completed", "failed", "in_progress", "incomplete", "queued"),
  incomplete_details: orNull(isObject),
  model: isText,
  previous_response_id: orNull(isText),
  instructions: orNull((value) => isText(value) || isList(value)),
  output: isList,
  error: orNull(isObject),
  tools: isList,
  tool_choice: (value) => isText(value) || isObject(value),
  truncation: oneOf("auto", "disabled"),
  parallel_tool_calls: isFlag,
  text: (value) => isObject(value) && isText((value as Anything).format?.type),
  top_p: isNumber,
  presence_penalty: isNumber,
  frequency_penalty: isNumber,
  top_logprobs: isCount,
  temperature: isNumber,
  reasoning: orNull((value) =>
    isObject(value) && "effort" in (value as object) && "summary" in (value as object)
  ),
  usage: orNull(isObject),
  max_output_tokens: orNull(isCount),
  max_tool_calls: orNull(isCount),
  store: isFlag,
  background: isFlag,
  service_tier: isText,
  metadata: isObject,
  safety_identifier: orNull(isText),
  prompt_cache_key: orNull(isText),
};

const idPrefixes: Readonly<Record<string, string>> = {
  message: "msg_",
  reasoning: "rs_",
  function_call: "fc_",
  custom_tool_call: "ctc_",
  file_search_call: "fs_",
};

/** Checks a response object by itself. */
export function checkResponse(response: Anything): string[] {
  const problems: string[] = [];
  const say: Say = (condition, problem) => void (condition || problems.push(problem));
  for (const [field, holds] of Object.entries(responseFields)) {
    say(field in response && holds(response[field]), `response.${field}: ${JSON.stringify(response[field])}`);
  }
  if (response.usage) {
    for (const field of ["input_tokens", "output_tokens", "total_tokens"]) {
      say(isCount(response.usage[field]), `usage.${field}`);
    }
    say(
      isCount(response.usage.input_tokens_details?.cached_tokens),
      "usage.input_tokens_details.cached_tokens",
    );
    say(
      isCount(response.usage.output_tokens_details?.reasoning_tokens),
      "usage.output_tokens_details.reasoning_tokens",
    );
  }
  say((response.status === "failed") === (response.error !== null), "error without failure, or the reverse");
  say(
    response.status !== "incomplete" || isText(response.incomplete_details?.reason),
    "incomplete_details.reason",
  );
  say(response.status !== "completed" || isCount(response.completed_at), "completed_at");
  if (response.error) {
    say(isText(response.error.code) && isText(response.error.message), "error.code, error.message");
  }
  for (const tool of response.tools ?? []) {
    if (tool.type === "function") {
      for (const field of ["name", "description", "parameters", "strict"]) {
        say(field in tool, `tools[].${field}`);
      }
    }
  }
  const ids = (response.output ?? []).map((item: Anything) => item.id);
  say(new Set(ids).size === ids.length, "item ids that are not unique");
  for (const item of response.output ?? []) checkItem(item, say);
  return problems;
}

function checkItem(item: Anything, say: Say): void {
  const where = `item ${item.id}`;
  say(isText(item.id) && item.id.startsWith(idPrefixes[item.type] ?? ""), `${where}: id`);
  say(oneOf("in_progress", "completed", "incomplete")(item.status), `${where}: status ${item.status}`);
  switch (item.type) {
    case "message":
      say(item.role === "assistant" && isList(item.content), `${where}: role, content`);
      for (const part of item.content ?? []) checkPart(part, say, where);
      break;
    case "reasoning":
      say(isList(item.summary), `${where}: summary`);
      for (const part of item.summary ?? []) {
        say(part.type === "summary_text" && isText(part.text), `${where}: summary`);
      }
      for (const part of item.content ?? []) {
        say(part.type === "reasoning_text" && isText(part.text), `${where}: content`);
      }
      break;
    case "file_search_call":
      say(
        isList(item.queries) && (item.results === null || isList(item.results)),
        `${where}: queries, results`,
      );
      break;
    case "function_call":
      say(
        isText(item.call_id) && item.call_id !== "" && isText(item.name) && item.name !== "",
        `${where}: call_id, name`,
      );
      say(isText(item.arguments), `${where}: arguments`);
      break;
    case "custom_tool_call":
      say(
        isText(item.call_id) && item.call_id !== "" && isText(item.name) && isText(item.input),
        `${where}: fields`,
      );
      break;
  }
}

function checkPart(part: Anything, say: Say, where: string): void {
  if (part.type === "refusal") return say(isText(part.refusal), `${where}: refusal`);
  say(part.type === "output_text" && isText(part.text), `${where}: output_text`);
  say(isList(part.annotations) && isList(part.logprobs), `${where}: annotations, logprobs`);
}

/** What is known of an item while its events come. */
interface Open {
  readonly item: Anything;
  /** Part by part: its type, what its deltas add up to, and how far it has come. */
  readonly parts: {
    type: string;
    text: string;
    said: boolean;
    done: boolean;
    final?: Anything;
    annotations: Anything[];
  }[];
  input: string;
  inputDone: boolean;
  done: Anything;
}

const terminal = new Set(["response.completed", "response.incomplete", "response.failed"]);

/** Checks a whole stream. @param texts the JSON text of each event. */
export function checkResponseStream(texts: readonly string[]): CheckedResponse {
  const problems: string[] = [];
  const say: Say = (condition, problem) => void (condition || problems.push(problem));
  const events: Anything[] = texts.map((text) => JSON.parse(text));
  const items: Open[] = [];
  let final: Anything;
  let id: unknown;

  events.forEach((event, position) => {
    const where = `event ${position} (${event.type})`;
    say(texts[position]!.startsWith('{"type":"'), `${where}: type is not the first key`);
    say(event.sequence_number === position, `${where}: sequence_number ${event.sequence_number}`);
    say(final === undefined, `${where}: after the end`);
    if (position === 0) say(event.type === "response.created", `${where}: not response.created`);
    if (position === 1) say(event.type === "response.in_progress", `${where}: not response.in_progress`);
    if (event.response !== undefined) {
      for (const problem of checkResponse(event.response)) problems.push(`${where}: ${problem}`);
      id ??= event.response.id;
      say(event.response.id === id, `${where}: another response id`);
    }
    if (terminal.has(event.type)) {
      final = event.response;
      say(final.status === event.type.slice("response.".length), `${where}: status ${final.status}`);
    } else if (event.type === "response.output_item.added") {
      say(event.output_index === items.length, `${where}: output_index ${event.output_index}`);
      checkItem(event.item, say);
      say(event.item.status === "in_progress", `${where}: status`);
      items.push({ item: event.item, parts: [], input: "", inputDone: false, done: undefined });
    } else if (event.output_index !== undefined) checkItemEvent(event, where);
  });
  say(final !== undefined, "the end never came");
  if (final !== undefined) checkFinal();
  return { problems, ...summary(final?.output ?? []), status: final?.status, response: final };

  function checkItemEvent(event: Anything, where: string): void {
    const open = items[event.output_index];
    if (open === undefined) return say(false, `${where}: no such item`);
    say(open.done === undefined, `${where}: the item is done`);
    if (event.type === "response.output_item.done") {
      checkItem(event.item, say);
      say(event.item.status !== "in_progress", `${where}: still in progress`);
      say(event.item.id === open.item.id && event.item.type === open.item.type, `${where}: another item`);
      open.done = event.item;
      return checkDone(open, where);
    }
    say(event.item_id === open.item.id, `${where}: item_id ${event.item_id}`);
    const [, name, step] = /^response\.(.+)\.(\w+)$/.exec(event.type)!;
    if (name === "file_search_call") {
      say(open.item.type === name, `${where}: kind`);
      const steps = ["in_progress", "searching", "completed"];
      say(
        steps[open.input === "" ? 0 : steps.indexOf(open.input) + 1] === step,
        `${where}: after ${open.input}`,
      );
      open.input = step!;
      return;
    }
    if (name === "function_call_arguments" || name === "custom_tool_call_input") {
      say(
        open.item.type === (name === "function_call_arguments" ? "function_call" : "custom_tool_call"),
        `${where}: kind`,
      );
      say(!open.inputDone, `${where}: after its end`);
      if (step === "delta") open.input += event.delta;
      else {
        open.inputDone = true;
        say((event.arguments ?? event.input) === open.input, `${where}: deltas do not add up`);
        if (name === "function_call_arguments") say(event.name === open.item.name, `${where}: name`);
      }
      return;
    }
    const index = event.content_index ?? event.summary_index;
    say(
      (event.summary_index !== undefined) === name!.startsWith("reasoning_summary"),
      `${where}: which index`,
    );
    if (step === "added" && name !== "output_text.annotation") {
      say(index === open.parts.length, `${where}: index ${index}`);
      say(open.parts.at(-1)?.done ?? true, `${where}: the part before is not done`);
      say((event.part.text ?? event.part.refusal) === "", `${where}: the part is not empty`);
      open.parts.push({ type: event.part.type, text: "", said: false, done: false, annotations: [] });
      return;
    }
    const part = open.parts[index];
    if (part === undefined) return say(false, `${where}: no such part`);
    say(!part.done, `${where}: the part is done`);
    if (name === "output_text.annotation") {
      say(event.annotation_index === part.annotations.length, `${where}: annotation_index`);
      part.annotations.push(event.annotation);
    } else if (step === "delta") {
      say(isText(event.delta) && !part.said, `${where}: delta`);
      if (name === "output_text") say(isList(event.logprobs), `${where}: logprobs`);
      part.text += event.delta;
    } else if (name === "content_part" || name === "reasoning_summary_part") {
      say(part.said, `${where}: without its own text's end`);
      say((event.part.text ?? event.part.refusal) === part.text, `${where}: deltas do not add up`);
      if (event.part.type === "output_text") {
        say(
          JSON.stringify(event.part.annotations) === JSON.stringify(part.annotations),
          `${where}: annotations`,
        );
      }
      part.done = true;
      part.final = event.part;
    } else {
      say((event.text ?? event.refusal) === part.text, `${where}: deltas do not add up`);
      if (name === "output_text") say(isList(event.logprobs), `${where}: logprobs`);
      part.said = true;
    }
  }

  function checkDone({ item, parts, input, inputDone, done }: Open, where: string): void {
    say(parts.every((part) => part.done), `${where}: a part is not done`);
    if (item.type === "file_search_call") return say(input === done.status, `${where}: status`);
    if (item.type.endsWith("_call")) {
      say(inputDone && (done.arguments ?? done.input) === input, `${where}: input`);
      say(done.call_id === item.call_id && done.name === item.name, `${where}: call_id, name`);
      return;
    }
    const shown = item.type === "reasoning" && done.summary.length > 0 ? done.summary : done.content ?? [];
    say(JSON.stringify(shown) === JSON.stringify(parts.map(({ final: part }) => part)), `${where}: parts`);
  }

  function checkFinal(): void {
    if (final.status === "failed") return;
    say(items.every(({ done }) => done !== undefined), "an item is not done");
    say(
      JSON.stringify(final.output) === JSON.stringify(items.map(({ done }) => done)),
      "the last event's output is not what was told",
    );
  }
}

/** What the items of a response say. */
export function summary(
  output: readonly Anything[],
): Pick<CheckedResponse, "text" | "refusal" | "reasoning" | "calls"> {
  const parts = output.flatMap((item) => item.type === "message" ? item.content : []);
  const thoughts = output.flatMap((item) =>
    item.type === "reasoning" ? [...item.summary, ...item.content ?? []] : []
  );
  return {
    text: parts.map((part: Anything) => part.type === "output_text" ? part.text : "").join(""),
    refusal: parts.map((part: Anything) => part.refusal ?? "").join(""),
    reasoning: thoughts.map((part: Anything) => part.text).join(""),
    calls: output.filter(({ type }) => type.endsWith("_call")).map((
      { type, name, arguments: text, input },
    ) => ({
      type,
      name,
      input: text ?? input,
    })),
  };
}
