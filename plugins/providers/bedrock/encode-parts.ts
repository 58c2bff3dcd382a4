import { type InlineFile, parseDataUrl } from "../hub/data-url.ts";
import { imageAddress } from "../hub/inline-files.ts";
import { asObject, asText, isObject, type Loose } from "../hub/loose.ts";
import { loseFileName, loseImageDetail } from "../hub/part-losses.ts";
import { invalid, unsupported } from "../hub/refuse.ts";
import { type Block, cachePoint, type EncodeContext } from "./encode-context.ts";

const imageFormats = new Set(["png", "jpeg", "gif", "webp"]);

/** Formats of documents by media type. */
const documentFormats: ReadonlyMap<string, string> = new Map(Object.entries({
  "application/pdf": "pdf",
  "text/csv": "csv",
  "application/msword": "doc",
  "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
  "application/vnd.ms-excel": "xls",
  "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
  "text/html": "html",
  "text/plain": "txt",
  "text/markdown": "md",
  "application/json": "txt",
}));
const documentEndings = new Set(documentFormats.values());

/** Content of a message as blocks. The API refuses text that is blank, so it is left out. */
export function encodeContent(content: unknown, field: string, context: EncodeContext): Block[] {
  if (typeof content === "string") return textBlock(content);
  if (!Array.isArray(content)) return [];
  return content.flatMap((part: Loose, index) => {
    const place = `${field}[${index}]`;
    return [...encodePart(part, place, context), ...cachePoint(part, place, context)];
  });
}

/** The text of messages that consist of text alone. */
export function encodeText(content: unknown, field: string, context: EncodeContext): Block[] {
  if (!Array.isArray(content)) return textBlock(asText(content));
  return content.flatMap((part: Loose, index) => {
    const place = `${field}[${index}]`;
    if (part.type !== "text" && part.type !== "refusal") {
      throw unsupported(`${place}.type`, `A part of type "${part.type}" cannot be here.`);
    }
    return [...encodePart(part, place, context), ...cachePoint(part, place, context)];
  });
}

function encodePart(part: Loose, field: string, context: EncodeContext): Block[] {
  switch (part.type) {
    case "text":
      return textBlock(asText(part.text));
    case "refusal":
      return textBlock(asText(part.refusal));
    case "image_url":
      return [encodeImage(part, field, context)];
    case "file":
      return [encodeFile(part, field, context)];
    case "input_audio":
      return [encodeAudio(part, field)];
    default:
      throw unsupported(`${field}.type`, `This backend takes no parts of type "${part.type}".`);
  }
}

function textBlock(text: string): Block[] {
  return text.trim() === "" ? [] : [{ text }];
}

function encodeImage(part: Loose, field: string, { files, lose }: EncodeContext): Block {
  const url = imageAddress(part);
  const place = `${field}.image_url.url`;
  loseImageDetail(part, field, lose);
  if (/^s3:\/\//i.test(url)) {
    const format = imageFormat(url.split(".").at(-1)!.toLowerCase(), place);
    return { image: { format, source: { s3Location: { uri: url } } } };
  }
  const file = parseDataUrl(url) ?? files.get(url);
  if (file === undefined) throw invalid(place, "An image needs an http(s), an s3 or a data address.");
  return imageBlock(file, place);
}

function imageBlock({ mediaType, base64 }: InlineFile, field: string): Block {
  const format = imageFormat(mediaType.replace(/^image\//, ""), field);
  return { image: { format, source: { bytes: base64 } } };
}

function imageFormat(name: string, field: string): string {
  const format = name === "jpg" ? "jpeg" : name;
  if (imageFormats.has(format)) return format;
  throw unsupported(field, `This backend takes PNG, JPEG, GIF and WebP images, not ${name || "this"}.`);
}

function encodeFile(part: Loose, field: string, context: EncodeContext): Block {
  const { file_id: id, file_data: data, filename } = asObject(part.file);
  if (typeof data !== "string") {
    if (id !== undefined) {
      throw unsupported(`${field}.file.file_id`, "This backend has no uploaded files; send file_data.");
    }
    throw invalid(`${field}.file`, "A file needs file_data.", "missing_required_parameter");
  }
  const isStored = /^s3:\/\//i.test(data);
  const file = isStored ? { mediaType: "", base64: "" } : parseDataUrl(data) ?? context.files.get(data) ??
    { mediaType: "", base64: data.replace(/\s+/g, "") };
  if (file.mediaType.startsWith("image/")) {
    loseFileName(part, field, context.lose);
    return imageBlock(file, `${field}.file`);
  }
  const name = asText(filename);
  const format = documentFormats.get(file.mediaType) ?? formatByEnding(name) ?? formatByEnding(data) ??
    (file.base64.startsWith("JVBERi") ? "pdf" : undefined);
  if (format === undefined) {
    throw unsupported(`${field}.file`, `This backend takes no files of type ${file.mediaType || name}.`);
  }
  const source = isStored ? { s3Location: { uri: data } } : { bytes: file.base64 };
  return { document: { format, name: context.documentName(name), source } };
}

/** The format that a name, or an address, ends with. */
function formatByEnding(name: string): string | undefined {
  const ending = name.slice(-200).toLowerCase().match(/\.(\w+)(?:[?#].*)?$/)?.[1] ?? "";
  return documentEndings.has(ending) ? ending : undefined;
}

function encodeAudio(part: Loose, field: string): Block {
  const { data, format } = asObject(part.input_audio);
  if (typeof data !== "string" || typeof format !== "string") {
    throw invalid(`${field}.input_audio`, "Audio needs data and format.", "missing_required_parameter");
  }
  return { audio: { format, source: { bytes: data } } };
}

/**
 * Names of documents: letters, digits, single blanks, hyphens, parentheses and square brackets, no two alike (AWS API reference,
 * DocumentBlock).
 */
export function makeDocumentNames(): (filename: string) => string {
  const taken = new Set<string>();
  return (filename) => {
    const plain = filename.replace(/\.\w+$/, "").replace(/[^A-Za-z0-9()[\]-]+/g, " ").trim().slice(0, 180) ||
      "document";
    let name = plain;
    for (let count = 2; taken.has(name); count++) name = `${plain} (${count})`;
    taken.add(name);
    return name;
  };
}

/** Whether a block is of this kind. */
export function isBlock(block: Block, kind: string): boolean {
  return isObject(block) && kind in block;
}
