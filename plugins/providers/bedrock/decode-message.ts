import { Buffer } from "node:buffer";
import { crc32 } from "node:zlib";
import { EventStreamCodec } from "@smithy/eventstream-codec";
import { fromUtf8, toUtf8 } from "@smithy/util-utf8";

export interface EventMessage {
  /** Headers that are text; Bedrock sends no others. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Uint8Array;
}

/** Total length, length of the headers, checksum of these two; then headers, body, and the checksum of all before it. */
const preludeLength = 12;
const checksumLength = 4;
/** The code of a header whose value is text. */
const textType = 7;

/**
 * One whole message of AWS's event stream encoding (application/vnd.amazon.eventstream). By hand where all headers are text, which costs
 * a fifth of what the library's general reader and its checksums in JavaScript do; any other message is left to the library.
 *
 * @throws {Error} when a checksum or a length is wrong.
 */
export function decodeMessage(bytes: Uint8Array): EventMessage {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headersEnd = preludeLength + view.getUint32(4);
  const bodyEnd = bytes.length - checksumLength;
  if (view.getUint32(0) !== bytes.length || headersEnd > bodyEnd) {
    throw new Error("its lengths contradict each other");
  }
  if (crc32(bytes.subarray(0, 8)) !== view.getUint32(8)) {
    throw new Error("the checksum of its beginning is wrong");
  }
  if (crc32(bytes.subarray(0, bodyEnd)) !== view.getUint32(bodyEnd)) throw new Error("its checksum is wrong");
  const headers = textHeaders(Buffer.from(bytes.buffer, bytes.byteOffset, headersEnd), headersEnd);
  return headers === undefined ? byLibrary(bytes) : { headers, body: bytes.subarray(headersEnd, bodyEnd) };
}

/** Undefined when a header is not text. */
function textHeaders(bytes: Buffer, end: number): Map<string, string> | undefined {
  const headers = new Map<string, string>();
  let at = preludeLength;
  while (at < end) {
    const nameEnd = at + 1 + bytes[at]!;
    if (nameEnd + 3 > end || bytes[nameEnd] !== textType) return undefined;
    const valueStart = nameEnd + 3;
    const valueEnd = valueStart + bytes.readUInt16BE(nameEnd + 1);
    if (valueEnd > end) throw new Error("a header is longer than all of them");
    headers.set(bytes.toString("utf8", at + 1, nameEnd), bytes.toString("utf8", valueStart, valueEnd));
    at = valueEnd;
  }
  return headers;
}

function byLibrary(bytes: Uint8Array): EventMessage {
  const { headers, body } = new EventStreamCodec(toUtf8, fromUtf8).decode(bytes);
  const texts = Object.entries(headers).map(([name, { value }]): [string, string] => [name, String(value)]);
  return { headers: new Map(texts), body };
}
