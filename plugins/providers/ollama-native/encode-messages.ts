import type { ChatMessage } from "intellirouter/plugin";
import { callInput } from "../hub/call-input.ts";
import { base64ToText, type InlineFile, parseDataUrl } from "../hub/data-url.ts";
import { imageAddress, type InlineFiles } from "../hub/inline-files.ts";
import { asObject, asText, type Loose, objectsOf } from "../hub/loose.ts";
import type { Lose } from "../hub/losses.ts";
import { loseCacheMarks, loseFileName, loseImageDetail } from "../hub/part-losses.ts";
import { invalid, unsupported } from "../hub/refuse.ts";

/** What the encoding of messages needs beside them. */
export interface MessageContext {
  /** Images that the server would not fetch itself. */
  readonly files: InlineFiles;
  readonly lose: Lose;
}

/** Messages in Ollama's form: content is text, with images beside it, and arguments of calls are objects. */
export function encodeMessages(messages: readonly ChatMessage[], context: MessageContext): Loose[] {
  const names = new Map<string, string>();
  return messages.map((message, index) => encodeMessage(message, `messages[${index}]`, names, context));
}

function encodeMessage(
  message: ChatMessage,
  field: string,
  names: Map<string, string>,
  context: MessageContext,
): Loose {
  const { lose } = context;
  const { role, name } = message;
  loseCacheMarks(message, field, lose);
  if (role !== "tool" && name !== undefined) {
    lose(`${field}.name`, "dropped", "the API knows no names of participants");
  }
  const content = encodeContent(message.content, `${field}.content`, context);
  switch (role) {
    case "system":
    case "developer":
      return { role: "system", ...content };
    case "assistant":
      return encodeAssistant(message, content, field, names, lose);
    case "user":
      return { role: "user", ...content };
    default: {
      const { tool_call_id: id } = message;
      const called = (id === undefined ? undefined : names.get(id)) ?? name;
      return {
        role: "tool",
        ...content,
        ...(called === undefined ? {} : { tool_name: called }),
        ...(id === undefined ? {} : { tool_call_id: id }),
      };
    }
  }
}

function encodeAssistant(
  message: ChatMessage,
  content: Content,
  field: string,
  names: Map<string, string>,
  lose: Lose,
): Loose {
  if (message.audio) lose(`${field}.audio`, "dropped", "the API takes back no spoken answers");
  const thinking = encodeThinking(message, field, lose);
  const calls = (message.tool_calls ?? []).map((call, position) => {
    const place = `${field}.tool_calls[${position}]`;
    if (call.function === undefined) throw invalid(`${place}.function`, "Only calls of functions are known.");
    const { name } = call.function;
    names.set(call.id, name);
    return { id: call.id, function: { index: position, name, arguments: callInput(call, place, lose) } };
  });
  return {
    role: "assistant",
    ...content,
    content: content.content + asText(message.refusal),
    ...(thinking === "" ? {} : { thinking }),
    ...(calls.length === 0 ? {} : { tool_calls: calls }),
  };
}

/** Local models take back the text of what they thought; another vendor's is not theirs. */
function encodeThinking(message: ChatMessage, field: string, lose: Lose): string {
  const foreign = objectsOf(message.reasoning_details).findIndex(({ format }) => asText(format) !== "");
  if (foreign >= 0) {
    lose(`${field}.reasoning_details[${foreign}]`, "dropped", "it is another vendor's");
    return "";
  }
  return asText(message.reasoning_content) || asText(message.reasoning);
}

interface Content extends Loose {
  readonly content: string;
}

function encodeContent(content: unknown, field: string, context: MessageContext): Content {
  if (!Array.isArray(content)) return { content: asText(content) };
  const texts: string[] = [];
  const images: string[] = [];
  content.forEach((part: Loose, index) => {
    const place = `${field}[${index}]`;
    loseCacheMarks(part, place, context.lose);
    if (part.type === "text") texts.push(asText(part.text));
    else if (part.type === "refusal") texts.push(asText(part.refusal));
    else if (part.type === "image_url") images.push(encodeImage(part, place, context));
    else if (part.type === "file") {
      const file = readFile(part, place, context.files);
      loseFileName(part, place, context.lose);
      if (file.mediaType.startsWith("image/")) images.push(file.base64);
      else texts.push(decode(file, place));
    } else throw unsupported(`${place}.type`, `This backend takes no parts of type "${part.type}".`);
  });
  return { content: texts.join("\n"), ...(images.length === 0 ? {} : { images }) };
}

function encodeImage(part: Loose, field: string, { files, lose }: MessageContext): string {
  const url = imageAddress(part);
  loseImageDetail(part, field, lose);
  const file = parseDataUrl(url) ?? files.get(url);
  if (file === undefined) {
    throw invalid(`${field}.image_url.url`, "An image needs an http(s) or a data address.");
  }
  return file.base64;
}

function readFile(part: Loose, field: string, files: InlineFiles): InlineFile {
  const { file_data: data, filename } = asObject(part.file);
  if (typeof data !== "string") throw unsupported(`${field}.file`, "This backend keeps no files.");
  const found = parseDataUrl(data) ?? files.get(data) ?? { mediaType: "", base64: data.replace(/\s+/g, "") };
  const isPlain = /\.(txt|md|csv|json|xml|html?|ya?ml|log)$/i.test(asText(filename));
  const mediaType = found.mediaType || (isPlain ? "text/plain" : "");
  const isText = mediaType.startsWith("text/") || /^application\/(json|xml|yaml)$/.test(mediaType);
  if (isText || mediaType.startsWith("image/")) return { ...found, mediaType };
  throw unsupported(`${field}.file`, `This backend takes text and images, not ${mediaType || "this file"}.`);
}

function decode(file: InlineFile, field: string): string {
  try {
    return base64ToText(file.base64);
  } catch {
    throw invalid(`${field}.file.file_data`, "This is no base64.");
  }
}
