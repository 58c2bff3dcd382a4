import type { ChatMessage, ToolCall } from "intellirouter/plugin";
import { asObject, asText, isObject } from "../hub/loose.ts";
import { readReasoning } from "../hub/reasoning-items.ts";
import type { EncodeContext, Part } from "./encode-context.ts";

/** The name by which clients know reasoning that is Gemini's. */
export const geminiFormat = "google-gemini-v1";

/** What stands for a signature that is lost, so that the API does not refuse the call (ai.google.dev, "Thought signatures"). */
const noSignature = "skip_thought_signature_validator";

/** What the model thought in one turn, as far as a client has kept it. */
export interface KeptReasoning {
  readonly thoughts: readonly Part[];
  /** Of the turn's text; empty when there is none. */
  readonly textSignature: string;
  /** By the id of a call. */
  readonly callSignatures: ReadonlyMap<string, string>;
}

/** Reads what belongs to Gemini, and tells of what is another vendor's. */
export function encodeReasoning(message: ChatMessage, field: string, { lose }: EncodeContext): KeptReasoning {
  const thoughts: Part[] = [];
  const callSignatures = new Map<string, string>();
  let textSignature = "";
  for (const item of readReasoning(message)) {
    const place = `${field}.${item.field}`;
    if (item.format !== geminiFormat) {
      const why = item.format === "" ? "it has no signature" : "it is another vendor's";
      lose(place, "dropped", `the API takes back its own thoughts only, and ${why}`);
    } else if (item.kind === "encrypted") {
      if (item.id === "") textSignature = item.text;
      else callSignatures.set(item.id, item.text);
    } else if (item.text !== "") {
      const signature = item.signature === "" ? {} : { thoughtSignature: item.signature };
      thoughts.push({ text: item.text, thought: true, ...signature });
    }
  }
  return { thoughts, textSignature, callSignatures };
}

/** The signature that came with a call, wherever clients keep it. */
export function callSignature(call: ToolCall, kept: KeptReasoning): string {
  return asText(asObject(asObject(call.extra_content).google).thought_signature) ||
    asText(asObject(call.provider_specific_fields).thought_signature) ||
    asText(asObject(asObject(call.function).provider_specific_fields).thought_signature) ||
    (kept.callSignatures.get(call.id) ?? "");
}

/** The first call of a turn carries the signature of all; one must be there (wire §2). */
export function signCalls(calls: readonly Part[], { traits }: EncodeContext): readonly Part[] {
  const [first, ...rest] = calls;
  if (first === undefined || !traits.needsSignatures) return calls;
  if (calls.some((call) => call.thoughtSignature !== undefined)) return calls;
  return [{ ...first, thoughtSignature: noSignature }, ...rest];
}

/** The signature of text goes to its last part, which may be empty. */
export function signText(parts: readonly Part[], signature: string): readonly Part[] {
  if (signature === "") return parts;
  const last = parts.at(-1);
  return isObject(last)
    ? [...parts.slice(0, -1), { ...last, thoughtSignature: signature }]
    : [{ text: "", thoughtSignature: signature }];
}
