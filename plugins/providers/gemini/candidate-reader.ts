import type { ToolCallDelta } from "intellirouter/plugin";
import { asObject, asText, isObject, type Loose, objectsOf } from "../hub/loose.ts";
import type { AnswerContext } from "./answer.ts";
import { geminiFormat } from "./encode-reasoning.ts";

/** What one piece of a candidate adds to a message; a type, as interfaces do not pass for loose objects. */
export type MessageDelta = {
  content?: string;
  reasoning_content?: string;
  reasoning_details?: Loose[];
  tool_calls?: ToolCallDelta[];
  images?: Loose[];
};

/** Parts that a message has no place for. */
const untold = ["executableCode", "codeExecutionResult", "toolCall", "toolResponse", "fileData"];

/** Reads the parts of one candidate, which may come in pieces. */
export class CandidateReader {
  readonly #index: number;
  readonly #context: AnswerContext;
  /** All that was said; sources point into it. */
  text = "";
  calls = 0;
  #images = 0;
  /** Number of the next item of reasoning, and of the thought that further text belongs to. */
  #items = 0;
  #thought: number | undefined;

  constructor(index: number, context: AnswerContext) {
    this.#index = index;
    this.#context = context;
  }

  /** @param id of the answer, which those of its calls are made of when they have none. */
  read(candidate: Loose, id: string): MessageDelta {
    const delta: MessageDelta = {};
    for (const part of objectsOf(asObject(candidate.content).parts)) this.#read(part, id, delta);
    return delta;
  }

  #read(part: Loose, id: string, delta: MessageDelta): void {
    const signature = asText(part.thoughtSignature);
    if (part.thought === true) return this.#think(part, signature, delta);
    if (isObject(part.functionCall)) this.#call(part.functionCall, signature, id, delta);
    else if (isObject(part.inlineData)) this.#show(part.inlineData, signature, delta);
    else if (typeof part.text === "string") {
      this.text += part.text;
      if (part.text !== "") {
        this.#thought = undefined;
        delta.content = (delta.content ?? "") + part.text;
      }
      if (signature !== "") this.#sign(signature, undefined, delta);
    }
    const other = untold.find((name) => part[name] !== undefined);
    if (other !== undefined) this.#lose(`parts.${other}`, `chat completions have no ${other} in an answer`);
  }

  #think(part: Loose, signature: string, delta: MessageDelta): void {
    const text = asText(part.text);
    if (text === "" && signature === "") {
      if (part.inlineData !== undefined) this.#lose("parts.inlineData", "thoughts are told as text alone");
      return;
    }
    if (text !== "") delta.reasoning_content = (delta.reasoning_content ?? "") + text;
    const details = delta.reasoning_details ??= [];
    const index = this.#thought ??= this.#items++;
    const last = details.at(-1);
    const signed = signature === "" ? {} : { signature };
    if (last?.index === index && last.type === "reasoning.text") {
      details[details.length - 1] = { ...last, text: asText(last.text) + text, ...signed };
    } else details.push({ type: "reasoning.text", text, ...signed, format: geminiFormat, index });
    if (signature !== "") this.#thought = undefined;
  }

  #call(call: Loose, signature: string, answerId: string, delta: MessageDelta): void {
    const index = this.calls++;
    const made = `call_${answerId || this.#context.requestId}_${this.#index}_${index}`.replace(/[^\w-]/g, "");
    const id = asText(call.id) || made;
    (delta.tool_calls ??= []).push({
      index,
      id,
      type: "function",
      function: { name: asText(call.name), arguments: JSON.stringify(call.args ?? {}) },
      ...(signature === "" ? {} : { extra_content: { google: { thought_signature: signature } } }),
    });
    if (signature !== "") this.#sign(signature, id, delta);
  }

  #show(file: Loose, signature: string, delta: MessageDelta): void {
    const type = asText(file.mimeType);
    if (!type.startsWith("image/")) {
      return this.#lose("parts.inlineData", `chat completions have no ${type} in an answer`);
    }
    (delta.images ??= []).push({
      type: "image_url",
      index: this.#images++,
      image_url: { url: `data:${type};base64,${asText(file.data)}` },
      ...(signature === "" ? {} : { extra_content: { google: { thought_signature: signature } } }),
    });
  }

  /** What the API wants back with a call, or with the text. */
  #sign(data: string, callId: string | undefined, delta: MessageDelta): void {
    this.#thought = undefined;
    const belongs = callId === undefined ? {} : { id: callId };
    (delta.reasoning_details ??= []).push({
      type: "reasoning.encrypted",
      data,
      ...belongs,
      format: geminiFormat,
      index: this.#items++,
    });
  }

  #lose(place: string, detail: string): void {
    const field = `choices[${this.#index}].message.${place}`;
    this.#context.reportLoss({ field, effect: "dropped", detail });
  }
}
