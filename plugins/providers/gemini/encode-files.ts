import { type InlineFile, parseDataUrl } from "../hub/data-url.ts";
import { imageAddress } from "../hub/inline-files.ts";
import { asObject, asText, given, type Loose } from "../hub/loose.ts";
import { loseFileName } from "../hub/part-losses.ts";
import { invalid, unsupported } from "../hub/refuse.ts";
import type { EncodeContext, Part } from "./encode-context.ts";

/** Types by the endings of names, for files that come without saying what they are. */
const typesByEnding: Readonly<Record<string, string>> = {
  pdf: "application/pdf",
  txt: "text/plain",
  md: "text/markdown",
  csv: "text/csv",
  html: "text/html",
  htm: "text/html",
  xml: "text/xml",
  json: "application/json",
  png: "image/png",
  jpg: "image/jpeg",
  jpeg: "image/jpeg",
  webp: "image/webp",
  gif: "image/gif",
  heic: "image/heic",
  mp3: "audio/mp3",
  wav: "audio/wav",
  ogg: "audio/ogg",
  flac: "audio/flac",
  aac: "audio/aac",
  m4a: "audio/mp4",
  mp4: "video/mp4",
  mov: "video/mov",
  webm: "video/webm",
  mpeg: "video/mpeg",
  mpg: "video/mpeg",
};

/** Whether the API reads an address itself: files that were uploaded to it, Google's storage, and its videos. */
export function isReadByApi(url: string): boolean {
  return /^gs:\/\//i.test(url) ||
    /^https:\/\/generativelanguage\.googleapis\.com\/.*\bfiles\//i.test(url) ||
    /^https:\/\/(www\.youtube\.com\/watch\?|youtube\.com\/watch\?|youtu\.be\/)/i.test(url);
}

export function encodeImage(part: Loose, field: string, context: EncodeContext): Part {
  const url = imageAddress(part);
  return encodeAddress(url, asText(asObject(part.image_url).format), `${field}.image_url.url`, context);
}

export function encodeVideo(part: Loose, field: string, context: EncodeContext): Part {
  const { video_url: video } = part;
  const url = asText(video) || asText(asObject(video).url);
  return encodeAddress(url, asText(asObject(video).format), `${field}.video_url.url`, context);
}

export function encodeAudio(part: Loose, field: string): Part {
  const { data, format } = asObject(part.input_audio);
  if (typeof data !== "string") {
    throw invalid(`${field}.input_audio.data`, "Audio needs data.", "missing_required_parameter");
  }
  const file = parseDataUrl(data) ?? { mediaType: "", base64: data };
  return inline({ ...file, mediaType: file.mediaType || `audio/${asText(format) || "wav"}` });
}

/** Documents, sound and moving pictures alike; `format` is what some clients call the type. */
export function encodeFile(part: Loose, field: string, { dialect, files, lose }: EncodeContext): Part {
  const file = asObject(part.file);
  const { file_id: id, file_data: data } = file;
  const name = asText(file.filename);
  loseFileName(part, field, lose);
  const said = asText(file.format) || asText(file.mime_type);
  if (typeof id === "string") {
    const uri = fileAddress(id, dialect.filesUrl);
    if (uri === undefined) throw unsupported(`${field}.file.file_id`, "This backend does not know the file.");
    return { fileData: { ...given("mimeType", said || typeByName(name || uri)), fileUri: uri } };
  }
  if (typeof data !== "string") {
    throw invalid(`${field}.file`, "A file needs file_data or file_id.", "missing_required_parameter");
  }
  if (isReadByApi(data)) {
    return { fileData: { ...given("mimeType", said || typeByName(name || data)), fileUri: data } };
  }
  const found = parseDataUrl(data) ?? files.get(data) ?? { mediaType: "", base64: data.replace(/\s+/g, "") };
  const isKnown = found.mediaType !== "" && found.mediaType !== "application/octet-stream";
  // "JVBERi" is "%PDF-" at the beginning of a file.
  const guess = typeByName(name) ?? typeByName(data.slice(-200)) ??
    (found.base64.startsWith("JVBERi") ? "application/pdf" : undefined);
  const mediaType = isKnown ? found.mediaType : said || guess;
  if (mediaType === undefined) {
    throw invalid(
      `${field}.file`,
      "The file does not say of which type it is.",
      "missing_required_parameter",
    );
  }
  return inline({ ...found, mediaType });
}

function encodeAddress(url: string, type: string, field: string, { files }: EncodeContext): Part {
  const found = parseDataUrl(url) ?? files.get(url);
  if (found !== undefined) return inline({ ...found, mediaType: found.mediaType || type });
  if (isReadByApi(url)) return { fileData: { ...given("mimeType", type || typeByName(url)), fileUri: url } };
  if (/^https?:\/\//i.test(url)) throw unsupported(field, "This backend reads nothing from such addresses.");
  throw invalid(field, "This needs an http(s), a gs or a data address.");
}

function fileAddress(id: string, filesUrl: string | undefined): string | undefined {
  if (isReadByApi(id)) return id;
  return filesUrl !== undefined && /^files\/[\w-]+$/.test(id) ? `${filesUrl}/${id}` : undefined;
}

function typeByName(name: string): string | undefined {
  const ending = name.toLowerCase().match(/\.(\w+)(?:[?#].*)?$/)?.[1] ?? "";
  return Object.hasOwn(typesByEnding, ending) ? typesByEnding[ending] : undefined;
}

function inline({ mediaType, base64 }: InlineFile): Part {
  // Cameras and old clients say "image/jpg", which the API does not know.
  const mimeType = mediaType === "image/jpg" ? "image/jpeg" : mediaType || "image/png";
  return { inlineData: { mimeType, data: base64 } };
}
