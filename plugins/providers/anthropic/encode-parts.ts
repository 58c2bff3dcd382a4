import { base64ToText, type InlineFile, parseDataUrl } from "../hub/data-url.ts";
import { imageAddress } from "../hub/inline-files.ts";
import { asObject, asText, isObject, type Loose } from "../hub/loose.ts";
import type { Lose } from "../hub/losses.ts";
import { loseFileName, loseImageDetail } from "../hub/part-losses.ts";
import { invalid, refuseForeignFile, unsupported } from "../hub/refuse.ts";
import type { Block, EncodeContext } from "./encode-context.ts";

/** Blocks of Anthropic's own that clients put among a user's parts; they go as they are. */
const ownBlocks = new Set(["image", "document", "search_result", "container_upload", "tool_reference"]);

/** Content of a message as blocks. Blocks without text are refused by the API, so they are left out. */
export function encodeContent(
  content: unknown,
  field: string,
  context: EncodeContext,
): Block[] {
  if (typeof content === "string") return textBlock(content, {});
  if (!Array.isArray(content)) return [];
  return content.flatMap((part: Loose, index) => encodePart(part, `${field}[${index}]`, context));
}

/** The text of messages that consist of text alone. */
export function encodeText(content: unknown, field: string, { lose }: Pick<EncodeContext, "lose">): Block[] {
  if (typeof content === "string") return textBlock(content, {});
  if (!Array.isArray(content)) return [];
  return content.flatMap((part: Loose, index) => {
    const place = `${field}[${index}]`;
    if (part.type === "text") return textBlock(asText(part.text), cacheControl(part, place, lose));
    if (part.type === "refusal") return textBlock(asText(part.refusal), {});
    throw unsupported(`${place}.type`, `A part of type "${part.type}" cannot be here.`);
  });
}

function encodePart(part: Loose, field: string, context: EncodeContext): Block[] {
  switch (part.type) {
    case "text":
      return textBlock(asText(part.text), cacheControl(part, field, context.lose));
    case "refusal":
      return textBlock(asText(part.refusal), {});
    case "image_url":
      return [encodeImage(part, field, context)];
    case "file":
      return [encodeFile(part, field, context)];
    default:
      if (isObject(part.source) || ownBlocks.has(String(part.type))) return [part as Block];
      throw unsupported(`${field}.type`, `This backend takes no parts of type "${part.type}".`);
  }
}

function textBlock(text: string, extra: Loose): Block[] {
  return text.trim() === "" ? [] : [{ type: "text", text, ...extra }];
}

/** Marks of what the cache may keep, also in the words of OpenAI's own. */
export function cacheControl(part: Loose, field: string, lose: Lose): Loose {
  const { cache_control: control, prompt_cache_breakpoint: breakpoint } = part;
  if (isObject(control)) return { cache_control: control };
  if (!isObject(breakpoint)) return {};
  if (breakpoint.ttl === undefined) return { cache_control: { type: "ephemeral" } };
  lose(`${field}.prompt_cache_breakpoint.ttl`, "approximated", "sent as 1h, the longest here");
  return { cache_control: { type: "ephemeral", ttl: "1h" } };
}

function encodeImage(part: Loose, field: string, context: EncodeContext): Block {
  const url = imageAddress(part);
  loseImageDetail(part, field, context.lose);
  const inline = parseDataUrl(url) ?? context.files.get(url);
  if (inline === undefined && !/^https?:\/\//i.test(url)) {
    throw invalid(`${field}.image_url.url`, "An image needs an http(s) or a data address.");
  }
  const source = inline === undefined ? { type: "url", url } : base64Source(inline);
  return { type: "image", source, ...cacheControl(part, field, context.lose) };
}

function encodeFile(
  part: Loose,
  field: string,
  { files, lose }: Pick<EncodeContext, "files" | "lose">,
): Block {
  const { file_id: id, file_data: data, filename } = asObject(part.file);
  const marks = cacheControl(part, field, lose);
  const extra = { ...(typeof filename === "string" ? { title: filename } : {}), ...marks };
  if (typeof id === "string") {
    refuseForeignFile(id, `${field}.file.file_id`);
    return { type: "document", source: { type: "file", file_id: id }, ...extra };
  }
  if (typeof data !== "string") {
    throw invalid(`${field}.file`, "A file needs file_data or file_id.", "missing_required_parameter");
  }
  const fetched = files.get(data);
  if (fetched === undefined && /^https:\/\//i.test(data)) {
    return { type: "document", source: { type: "url", url: data }, ...extra };
  }
  const file = named(fetched ?? readFile(data), asText(filename) || data);
  if (file.mediaType.startsWith("image/")) {
    loseFileName(part, field, lose);
    return { type: "image", source: base64Source(file), ...marks };
  }
  if (file.mediaType === "application/pdf") {
    return { type: "document", source: base64Source(file), ...extra };
  }
  if (isText(file.mediaType)) {
    return {
      type: "document",
      source: { type: "text", media_type: "text/plain", data: decode(file, field) },
      ...extra,
    };
  }
  const type = file.mediaType || "of an unknown type";
  throw unsupported(`${field}.file`, `This backend takes PDF, text and image files, not ${type}.`);
}

function readFile(data: string): InlineFile {
  return parseDataUrl(data) ?? { mediaType: "", base64: data.replace(/\s+/g, "") };
}

/** A file may come without saying what it is; then its name does. */
function named(file: InlineFile, filename: string): InlineFile {
  if (file.mediaType !== "" && file.mediaType !== "application/octet-stream") return file;
  const ending = filename.slice(-200).toLowerCase().match(/\.(\w+)$/)?.[1] ?? "";
  // "JVBERi" is "%PDF-" at the beginning of a file.
  if (ending === "pdf" || file.base64.startsWith("JVBERi")) return { ...file, mediaType: "application/pdf" };
  const isPlain = /^(txt|md|csv|json|xml|html?|ya?ml|log)$/.test(ending);
  return isPlain ? { ...file, mediaType: "text/plain" } : file;
}

function isText(mediaType: string): boolean {
  return mediaType.startsWith("text/") || /^application\/(json|xml|yaml|x-yaml)$/.test(mediaType);
}

function decode(file: InlineFile, field: string): string {
  try {
    return base64ToText(file.base64);
  } catch {
    throw invalid(`${field}.file.file_data`, "This is no base64.");
  }
}

function base64Source({ mediaType, base64 }: InlineFile): Loose {
  // Cameras and old clients say "image/jpg", which the API does not know.
  return { type: "base64", media_type: mediaType === "image/jpg" ? "image/jpeg" : mediaType, data: base64 };
}
