import { ApiError } from "../../lib/api-error.ts";
import type { ResponseItem, ResponsesRequest } from "../../schema/response.ts";
import { makeId } from "./response-turn.ts";

/** What an item of each type cannot do without, beside what the schema asks for. */
const needed: Readonly<Record<string, readonly string[]>> = {
  function_call: ["call_id", "name", "arguments"],
  custom_tool_call: ["call_id", "name", "input"],
  item_reference: ["id"],
};

/** Items that say nothing without their output. */
const outputs = new Set(["function_call_output", "custom_tool_call_output"]);

/** How the ids of items begin. */
const prefixes: Readonly<Record<string, string>> = {
  message: "msg",
  function_call: "fc",
  function_call_output: "fco",
  custom_tool_call: "ctc",
  custom_tool_call_output: "ctco",
  reasoning: "rs",
};

/**
 * A request's input as items that say their type: a text is a message of the user.
 *
 * @throws {ApiError} 400 for an item that is none.
 */
export function inputItems(input: ResponsesRequest["input"]): ResponseItem[] {
  if (input === undefined || input === null) return [];
  if (typeof input === "string") return [{ type: "message", role: "user", content: input }];
  return input.map((item, index) => withType(item, `input[${index}]`));
}

/** How the ids of all others begin. */
const anyPrefix = "item";

/** How the ids of the gateway's own searches begin. */
export const ownSearchPrefix = "fs_gateway";

/** Whether the item tells of a search that the gateway has made itself: no backend knows of it. */
export function isOwnSearch({ type, id }: ResponseItem): boolean {
  return type === "file_search_call" && id?.startsWith(ownSearchPrefix) === true;
}

/** Whether the item had no id of its own; what is told to the client as one means nothing to a backend. */
export function isMade({ id }: ResponseItem): boolean {
  return id?.startsWith(`${anyPrefix}_`) ?? false;
}

/** The items as they are kept and listed: each has an id, and messages have parts and a status. */
export function keptItems(items: readonly ResponseItem[]): ResponseItem[] {
  return items.map((item) => {
    const id = item.id || makeId(prefixes[item.type ?? ""] ?? anyPrefix);
    if (item.type !== "message") return { ...item, id };
    const type = item.role === "assistant" ? "output_text" : "input_text";
    const more = item.role === "assistant" ? { annotations: [], logprobs: [] } : {};
    const content = typeof item.content === "string"
      ? [{ type, text: item.content, ...more }]
      : item.content ?? [];
    return { status: "completed", ...item, id, content };
  });
}

function withType(item: ResponseItem, place: string): ResponseItem {
  const type = item.type ?? (item.role ? "message" : item.id ? "item_reference" : undefined);
  if (type === undefined) throw missing(`${place}.type`);
  if (type === "message") {
    if (!item.role) throw missing(`${place}.role`);
    if (item.content === undefined || item.content === null) throw missing(`${place}.content`);
  }
  for (const field of needed[type] ?? []) {
    if (typeof item[field] !== "string") throw missing(`${place}.${field}`);
  }
  if (outputs.has(type) && item.output === undefined) throw missing(`${place}.output`);
  return item.type === type ? item : { ...item, type };
}

function missing(param: string): ApiError {
  return new ApiError({
    status: 400,
    code: "missing_required_parameter",
    param,
    message: `Missing required parameter: '${param}'.`,
  });
}
