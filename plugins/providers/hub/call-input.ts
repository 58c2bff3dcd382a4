import { parseJson } from "intellirouter/plugin";
import type { ToolCall } from "intellirouter/plugin";
import { isObject, type Loose } from "./loose.ts";
import type { Lose } from "./losses.ts";

/** The arguments of an earlier call as the object that some backends insist on. */
export function callInput(call: ToolCall, field: string, lose: Lose): Loose {
  const text = call.function?.arguments ?? "";
  if (text.trim() === "") return {};
  try {
    const value: unknown = parseJson(text);
    if (isObject(value)) return value;
  } catch {
    // Models write broken JSON at times, and clients send it back.
  }
  lose(`${field}.function.arguments`, "approximated", "they are no JSON object, and went as text in one");
  return { arguments: text };
}
