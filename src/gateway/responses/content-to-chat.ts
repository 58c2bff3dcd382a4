import type { ChatMessage } from "../../schema/chat-completion.ts";
import type { ResponseItem } from "../../schema/response.ts";
import { loseFields } from "./lose-fields.ts";
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

const carriedOfRefusals = new Set(["type", "refusal"]);
const carriedOfFiles = ["type", "filename", ...cacheMarks];
const carriedOfImages = new Set(["type", "image_url", "detail", ...cacheMarks]);

/** The ways to say which file it is; the first that there is says it. */
const fileForms = ["file_data", "file_id", "file_url"];
const carriedOfText = new Set(["type", "text", ...cacheMarks]);

function toPart(part: Part, place: string, options: ToChatOptions): Part[] {
  const marks = Object.fromEntries(cacheMarks.flatMap((name) => part[name] ? [[name, part[name]]] : []));
  switch (part.type) {
    case "input_text":
    case "output_text":
    case "text":
      loseFields(part, carriedOfText, place, options.reportLoss);
      return [{ type: "text", text: String(part.text ?? ""), ...marks }];
    case "refusal":
      loseFields(part, carriedOfRefusals, place, options.reportLoss);
      return [{ type: "text", text: String(part.refusal ?? "") }];
    case "input_image":
      if (typeof part.image_url !== "string") break;
      loseFields(part, carriedOfImages, place, options.reportLoss);
      return [{
        type: "image_url",
        image_url: { url: part.image_url, ...(part.detail ? { detail: part.detail } : {}) },
        ...marks,
      }];
    case "input_file": {
      const by = fileForms.find((name) => part[name] && (name !== "file_url" || options.fileAddresses));
      if (by === undefined) break;
      loseFields(part, new Set([...carriedOfFiles, by]), place, options.reportLoss);
      const { filename } = part;
      const file = { ...(filename ? { filename } : {}), [by === "file_id" ? by : "file_data"]: part[by] };
      return [{ type: "file", file, ...marks }];
    }
    case "input_audio":
      return [{ type: "input_audio", input_audio: part.input_audio }];
  }
  lose(place, `chat completions have no ${part.type} of this kind`, options);
  return [];
}

function lose(field: string, detail: string, { reportLoss }: ToChatOptions): void {
  reportLoss({ field, effect: "dropped", detail });
}
