import type { ChatMessage } from "../../schema/chat-completion.ts";
import type { ResponseItem } from "../../schema/response.ts";
import type { ToChatOptions } from "./to-chat-options.ts";

type Loose = Readonly<Record<string, unknown>>;

/** A part of a chat message. */
export type Part = Loose & { readonly type: string };

/** The parts of a message, or of a tool's result, as chat has them. */
export function partsOf(content: ResponseItem["content"], place: string, options: ToChatOptions): Part[] {
  if (typeof content === "string") return [{ type: "text", text: content }];
  return (content ?? []).flatMap((part, index) => toPart(part, `${place}[${index}]`, options));
}

/** As one text where that is all there is: some backends know nothing else. */
export function contentOf(parts: readonly Part[]): ChatMessage["content"] {
  const onlyText = parts.every((part) => part.type === "text" && Object.keys(part).length === 2);
  return (onlyText ? parts.map(({ text }) => text).join("\n") : parts) as ChatMessage["content"];
}

/** What the assistant said, which is text in chat. */
export function textOf(content: ResponseItem["content"], place: string, options: ToChatOptions): string {
  return partsOf(content, place, options).map((part, index) => {
    if (part.type === "text") return String(part.text);
    options.reportLoss({
      field: `${place}[${index}]`,
      effect: "dropped",
      detail: `chat completions have no ${part.type} in what the assistant said`,
    });
    return "";
  }).join("");
}

/** What parts say of caching, in OpenAI's words and in those of others. */
const cacheMarks = ["prompt_cache_breakpoint", "cache_control"];

function toPart(part: Part, place: string, options: ToChatOptions): Part[] {
  const marks = Object.fromEntries(cacheMarks.flatMap((name) => part[name] ? [[name, part[name]]] : []));
  switch (part.type) {
    case "input_text":
    case "output_text":
    case "text":
      if (Array.isArray(part.annotations) && part.annotations.length > 0) {
        lose(`${place}.annotations`, "chat completions take no citations back", options);
      }
      return [{ type: "text", text: String(part.text ?? ""), ...marks }];
    case "refusal":
      return [{ type: "text", text: String(part.refusal ?? "") }];
    case "input_image":
      if (typeof part.image_url !== "string") break;
      if (part.file_id) lose(`${place}.file_id`, "the image is given by its address as well", options);
      return [{
        type: "image_url",
        image_url: { url: part.image_url, ...(part.detail ? { detail: part.detail } : {}) },
        ...marks,
      }];
    case "input_file":
      if (!part.file_data && !part.file_id && !(part.file_url && options.fileAddresses)) break;
      return [{ type: "file", file: fileOf(part), ...marks }];
    case "input_audio":
      return [{ type: "input_audio", input_audio: part.input_audio }];
  }
  lose(place, `chat completions have no ${part.type} of this kind`, options);
  return [];
}

function lose(field: string, detail: string, { reportLoss }: ToChatOptions): void {
  reportLoss({ field, effect: "dropped", detail });
}

function fileOf({ file_data: data, file_id: id, file_url: url, filename }: Part): Loose {
  return {
    ...(filename ? { filename } : {}),
    ...(data ? { file_data: data } : id ? { file_id: id } : { file_data: url }),
  };
}
