import { asText, type Loose } from "../hub/loose.ts";
import { loseCacheMarks } from "../hub/part-losses.ts";
import { unsupported } from "../hub/refuse.ts";
import type { EncodeContext, Part } from "./encode-context.ts";
import { encodeAudio, encodeFile, encodeImage, encodeVideo } from "./encode-files.ts";

/** Content of a message as parts; parts without text say nothing, and are left out. */
export function encodeContent(content: unknown, field: string, context: EncodeContext): Part[] {
  if (typeof content === "string") return textPart(content);
  if (!Array.isArray(content)) return [];
  return content.flatMap((part: Loose, index) => encodePart(part, `${field}[${index}]`, context));
}

/** The text of messages that consist of text alone. */
export function encodeText(content: unknown, field: string, context: EncodeContext): Part[] {
  if (typeof content === "string") return textPart(content);
  if (!Array.isArray(content)) return [];
  return content.flatMap((part: Loose, index) => {
    loseCacheMarks(part, `${field}[${index}]`, context.lose);
    if (part.type === "text") return textPart(asText(part.text));
    if (part.type === "refusal") return textPart(asText(part.refusal));
    throw unsupported(`${field}[${index}].type`, `A part of type "${part.type}" cannot be here.`);
  });
}

function encodePart(part: Loose, field: string, context: EncodeContext): Part[] {
  loseCacheMarks(part, field, context.lose);
  switch (part.type) {
    case "text":
      return textPart(asText(part.text));
    case "refusal":
      return textPart(asText(part.refusal));
    case "image_url":
      return [encodeImage(part, field, context)];
    case "video_url":
      return [encodeVideo(part, field, context)];
    case "input_audio":
      return [encodeAudio(part, field)];
    case "file":
      return [encodeFile(part, field, context)];
    default:
      throw unsupported(`${field}.type`, `This backend takes no parts of type "${part.type}".`);
  }
}

function textPart(text: string): Part[] {
  return text === "" ? [] : [{ text }];
}
