import type { ChatMessage } from "intellirouter/plugin";
import { callInput } from "../hub/call-input.ts";
import { asObject, asText, objectsOf } from "../hub/loose.ts";
import { loseCacheMarks } from "../hub/part-marks.ts";
import { invalid } from "../hub/refuse.ts";
import type { Content, EncodeContext, Part } from "./encode-context.ts";
import { encodeImage } from "./encode-files.ts";
import { encodeContent, encodeText } from "./encode-parts.ts";
import { callSignature, encodeReasoning, signCalls, signText } from "./encode-reasoning.ts";

interface Turn {
  readonly role: Content["role"];
  readonly parts: Part[];
  /** Holds results of calls, and nothing else. */
  readonly isResults: boolean;
}

export interface EncodedConversation {
  /** What the model is told to be. */
  readonly system: readonly Part[];
  readonly contents: readonly Content[];
}

/**
 * A conversation as turns. Neighbours of one role become one; the results of the calls of one turn come together, right after it,
 * whatever else the client put between them, as the API insists.
 *
 * @param instruction what the model is told beside what the client says.
 */
export function encodeConversation(
  messages: readonly ChatMessage[],
  context: EncodeContext,
  instruction?: string,
): EncodedConversation {
  const system: Part[] = [];
  const turns: Turn[] = [];
  const names = new Map<string, string>();
  messages.forEach((message, index) => {
    const field = `messages[${index}]`;
    loseCacheMarks(message, field, context.lose);
    if (message.role !== "tool" && message.role !== "function" && message.name !== undefined) {
      context.lose(`${field}.name`, "dropped", "the API knows no names of participants");
    }
    switch (message.role) {
      case "system":
      case "developer": {
        const parts = encodeText(message.content, `${field}.content`, context);
        if (turns.length > 0 && parts.length > 0) {
          context.lose(field, "approximated", "instructions went to the beginning of the conversation");
        }
        system.push(...parts);
        break;
      }
      case "user":
        add(turns, "user", encodeContent(message.content, `${field}.content`, context));
        break;
      case "assistant":
        add(turns, "model", encodeAssistant(message, field, names, context));
        break;
      default:
        addResult(turns, encodeResult(message, field, names, context));
    }
  });
  if (instruction !== undefined) system.push({ text: instruction });
  const contents = turns.map(({ role, parts }) => ({ role, parts }));
  return placeSystem(system, contents, context);
}

/** The API wants a turn, and some models know no instructions; then they are the user's first words. */
function placeSystem(
  system: readonly Part[],
  contents: readonly Content[],
  { traits, lose }: EncodeContext,
): EncodedConversation {
  if (system.length === 0 || (traits.systemInstruction && contents.length > 0)) return { system, contents };
  lose("messages", "approximated", "instructions went as the user's words");
  const [first, ...rest] = contents;
  const merged = first?.role === "user"
    ? [{ role: "user" as const, parts: [...system, ...first.parts] }, ...rest]
    : [{ role: "user" as const, parts: system }, ...contents];
  return { system: [], contents: merged };
}

function add(turns: Turn[], role: Turn["role"], parts: readonly Part[]): void {
  if (parts.length === 0) return;
  const last = turns.at(-1);
  if (last?.role === role && !last.isResults) last.parts.push(...parts);
  else turns.push({ role, parts: [...parts], isResults: false });
}

function addResult(turns: Turn[], parts: readonly Part[]): void {
  const after = turns.findLastIndex(({ role }) => role === "model") + 1;
  const place = turns[after];
  if (place?.isResults === true) place.parts.push(...parts);
  else turns.splice(after, 0, { role: "user", parts: [...parts], isResults: true });
}

function encodeAssistant(
  message: ChatMessage,
  field: string,
  names: Map<string, string>,
  context: EncodeContext,
): Part[] {
  if (message.audio) context.lose(`${field}.audio`, "dropped", "the API takes back no spoken answers");
  const kept = encodeReasoning(message, field, context);
  const refusal = asText(message.refusal);
  const text = [
    ...encodeText(message.content, `${field}.content`, context),
    ...(refusal === "" ? [] : [{ text: refusal }]),
  ];
  const images = objectsOf(message.images).map((image, position) => {
    const signature = asText(asObject(asObject(image.extra_content).google).thought_signature);
    return {
      ...encodeImage(image, `${field}.images[${position}]`, context),
      ...(signature === "" ? {} : { thoughtSignature: signature }),
    };
  });
  const calls = (message.tool_calls ?? []).map((call, position): Part => {
    const place = `${field}.tool_calls[${position}]`;
    if (call.function === undefined) throw invalid(`${place}.function`, "Only calls of functions are known.");
    const { name } = call.function;
    names.set(call.id, name);
    const args = callInput(call, place, context.lose);
    const signature = callSignature(call, kept);
    return {
      functionCall: { ...(context.dialect.callIds ? { id: call.id } : {}), name, args },
      ...(signature === "" ? {} : { thoughtSignature: signature }),
    };
  });
  return [
    ...kept.thoughts,
    ...signText(text, kept.textSignature),
    ...images,
    ...signCalls(calls, context),
  ];
}

/** Results are known by the name of their function; the client names the call alone. */
function encodeResult(
  message: ChatMessage,
  field: string,
  names: ReadonlyMap<string, string>,
  context: EncodeContext,
): Part[] {
  const { tool_call_id: id } = message;
  const name = (id === undefined ? undefined : names.get(id)) ?? message.name;
  if (name === undefined) {
    throw invalid(`${field}.tool_call_id`, "A tool message must name a call of the conversation.");
  }
  const parts = encodeContent(message.content, `${field}.content`, context);
  const files = parts.filter((part) => part.text === undefined);
  const text = parts.filter((part) => part.text !== undefined).map((part) => asText(part.text)).join("\n");
  const inside = files.length > 0 && context.traits.imagesInResults;
  // As text also where it is JSON: keys like "$ref" in an object would be misread (litellm#38223).
  const response = { [message.is_error === true ? "error" : "output"]: text };
  const result = {
    functionResponse: {
      ...(context.dialect.callIds && id !== undefined ? { id } : {}),
      name,
      response,
      ...(inside ? { parts: files } : {}),
    },
  };
  if (files.length === 0 || inside) return [result];
  context.lose(`${field}.content`, "approximated", "files of a result went beside it");
  return [result, ...files];
}
