import { base64ToText, type InlineFile, parseDataUrl } from "../hub/data-url.ts";
import { imageAddress } from "../hub/inline-files.ts";
import { asObject, asText, given, type Loose } from "../hub/loose.ts";
import type { Lose } from "../hub/losses.ts";
import { loseCacheMarks, loseFileName } from "../hub/part-losses.ts";
import { invalid, refuseForeignFile, unsupported } from "../hub/refuse.ts";

/** Parts of Mistral's own, which go as they are. */
const ownParts = new Set(["document_url", "reference"]);

/** Content of a message: text as such, or parts without a field that Mistral would refuse. */
export function encodeContent(content: unknown, field: string, lose: Lose): string | Loose[] {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  return content.map((part: Loose, index) => encodePart(part, `${field}[${index}]`, lose));
}

/** The text of messages that consist of text alone. */
export function encodeText(content: unknown, field: string, lose: Lose): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  return content.map((part: Loose, index) => {
    const place = `${field}[${index}]`;
    loseCacheMarks(part, place, lose);
    if (part.type === "text") return asText(part.text);
    if (part.type === "refusal") return asText(part.refusal);
    throw unsupported(`${place}.type`, `A part of type "${part.type}" cannot be here.`);
  }).join("");
}

function encodePart(part: Loose, field: string, lose: Lose): Loose {
  loseCacheMarks(part, field, lose);
  switch (part.type) {
    case "text":
      return { type: "text", text: asText(part.text) };
    case "refusal":
      return { type: "text", text: asText(part.refusal) };
    case "image_url": {
      const { detail } = asObject(part.image_url);
      return { type: "image_url", image_url: { url: imageAddress(part), ...given("detail", detail) } };
    }
    case "input_audio":
      // The bytes alone, or an address; what they are it finds out by itself.
      return { type: "input_audio", input_audio: asText(asObject(part.input_audio).data) };
    case "file":
      return encodeFile(part, field, lose);
    default:
      if (ownParts.has(String(part.type))) return part;
      throw unsupported(`${field}.type`, `This backend takes no parts of type "${part.type}".`);
  }
}

function encodeFile(part: Loose, field: string, lose: Lose): Loose {
  const { file_id: id, file_data: data, filename } = { ...part, ...asObject(part.file) };
  if (typeof id === "string") {
    refuseForeignFile(id, `${field}.file.file_id`);
    loseFileName(part, field, lose);
    return { type: "file", file_id: id };
  }
  if (typeof data !== "string") {
    throw invalid(`${field}.file`, "A file needs file_data or file_id.", "missing_required_parameter");
  }
  const name = given("document_name", typeof filename === "string" ? filename : undefined);
  if (/^https?:/i.test(data)) return { type: "document_url", document_url: data, ...name };
  const file = parseDataUrl(data) ??
    { mediaType: typeByName(asText(filename)), base64: data.replace(/\s+/g, "") };
  const isDocument = !/^(image|text)\//.test(file.mediaType);
  if (!isDocument) loseFileName(part, field, lose);
  if (file.mediaType.startsWith("image/")) return { type: "image_url", image_url: { url: addressOf(file) } };
  if (file.mediaType.startsWith("text/")) return { type: "text", text: decode(file, field) };
  return { type: "document_url", document_url: addressOf(file), ...name };
}

function typeByName(name: string): string {
  return /\.(txt|md|csv)$/i.test(name) ? "text/plain" : "application/pdf";
}

function addressOf({ mediaType, base64 }: InlineFile): string {
  return `data:${mediaType || "application/pdf"};base64,${base64}`;
}

function decode(file: InlineFile, field: string): string {
  try {
    return base64ToText(file.base64);
  } catch {
    throw invalid(`${field}.file.file_data`, "This is no base64.");
  }
}
