import { parseJson } from "../lib/lossless-json.ts";
import { promisify } from "node:util";
import * as zlib from "node:zlib";
import { ApiError } from "../lib/api-error.ts";
import { brokenOff, tooLarge } from "./body-errors.ts";

export interface ReadLimits {
  /** Before and after decompression. */
  readonly maxBytes: number;
  readonly maxDepth: number;
}

/**
 * The JSON value of a request body, and the text that it was read from.
 *
 * Compressed bodies are decoded with the same limit on what comes out, so a bomb costs no more than a plain
 * body. The value's nesting is limited because later steps recurse.
 *
 * @throws {ApiError} 400, 413 or 415
 */
export async function readJson(
  request: Request,
  limits: ReadLimits,
): Promise<{ readonly value: unknown; readonly text: string }> {
  checkMediaType(request.headers.get("content-type"));
  const length = Number(request.headers.get("content-length") ?? Number.NaN);
  if (length > limits.maxBytes) throw tooLarge(limits.maxBytes);
  const encoding = request.headers.get("content-encoding")?.trim().toLowerCase();
  const plain = encoding === undefined || encoding === "" || encoding === "identity";
  const text = plain && !Number.isNaN(length)
    ? await request.text().catch(brokenOff)
    : new TextDecoder().decode(
      await decode(
        await readBytes(request, limits.maxBytes).catch(brokenOff),
        encoding ?? "",
        limits.maxBytes,
      ),
    );
  let value: unknown;
  try {
    value = parseJson(text);
  } catch (error) {
    throw await notJson(text, error);
  }
  checkDepth(value, limits.maxDepth);
  return { value, text };
}

function checkMediaType(contentType: string | null): void {
  if (contentType === null || contentType === "application/json") return;
  const mediaType = contentType.split(";", 1)[0]!.trim().toLowerCase();
  if (mediaType === "application/json" || mediaType.endsWith("+json")) return;
  throw new ApiError({
    status: 415,
    code: "unsupported_media_type",
    message: `The body must be JSON with "content-type: application/json", not "${mediaType}".`,
  });
}

/** For bodies whose size is not announced, or is that of their compressed form. */
async function readBytes(request: Request, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request.body ?? []) {
    size += chunk.byteLength;
    if (size > maxBytes) throw tooLarge(maxBytes);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

type Decoder = (input: Uint8Array, options: { maxOutputLength: number }) => Promise<Uint8Array>;

const decoders: Readonly<Record<string, Decoder>> = {
  gzip: promisify(zlib.gunzip) as Decoder,
  "x-gzip": promisify(zlib.gunzip) as Decoder,
  deflate: promisify(zlib.inflate) as Decoder,
  br: promisify(zlib.brotliDecompress) as Decoder,
  zstd: promisify(zlib.zstdDecompress) as Decoder,
};

/** One encoding beside `identity`: no client encodes twice, and each round would multiply what a few bytes can become. */
async function decode(bytes: Uint8Array, encodings: string, maxBytes: number): Promise<Uint8Array> {
  const real = encodings.split(",").map((name) => name.trim()).filter((name) =>
    name !== "" && name !== "identity"
  );
  return real.length === 0 ? bytes : await decodeOne(bytes, real.join(", "), maxBytes);
}

async function decodeOne(bytes: Uint8Array, encoding: string, maxBytes: number): Promise<Uint8Array> {
  const decoder = Object.hasOwn(decoders, encoding) ? decoders[encoding] : undefined;
  if (decoder === undefined) {
    throw new ApiError({
      status: 415,
      code: "unsupported_content_encoding",
      message: `The content encoding "${
        encoding.slice(0, 64)
      }" is not known. Use gzip, deflate, br, zstd or none.`,
      headers: { "accept-encoding": "gzip, deflate, br, zstd" },
    });
  }
  try {
    const decoded = await decoder(bytes, { maxOutputLength: maxBytes });
    // The runtime takes a zstd frame that is cut off for one of nothing.
    if (decoded.byteLength === 0 && bytes.byteLength > shortestFrame) throw new Error("nothing came out");
    return decoded;
  } catch (error) {
    if (isOutputTooLarge(error)) throw tooLarge(maxBytes);
    throw new ApiError({
      status: 400,
      code: "invalid_content_encoding",
      message: `The body is not valid ${encoding}.`,
      cause: error,
    });
  }
}

/** What is shorter may be the compressed form of an empty body. */
const shortestFrame = 32;

function isOutputTooLarge(error: unknown): boolean {
  return error instanceof RangeError ||
    (error as { readonly code?: unknown }).code === "ERR_BUFFER_TOO_LARGE";
}

/** The complaint about a text that is not JSON; the search for the place costs only those who are at fault. */
async function notJson(text: string, cause: unknown): Promise<ApiError> {
  const { locateJsonError } = await import("./locate-json-error.ts");
  const message = text.trim() === ""
    ? "The body is empty; JSON was expected."
    : `The body is not valid JSON${locateJsonError(text)}.`;
  return new ApiError({ status: 400, code: "invalid_json", message, cause });
}

/** Recursion is safe here: it ends one step past the limit. */
function checkDepth(value: unknown, levelsLeft: number): void {
  if (typeof value !== "object" || value === null) return;
  if (levelsLeft === 0) {
    throw new ApiError({
      status: 400,
      code: "json_too_deep",
      message: "The body is nested too deeply (server.max_json_depth).",
    });
  }
  if (Array.isArray(value)) { for (const item of value) checkDepth(item, levelsLeft - 1); }
  else for (const key in value) checkDepth((value as Record<string, unknown>)[key], levelsLeft - 1);
}
