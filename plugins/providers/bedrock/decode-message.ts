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
 * Reads whole messages of AWS's event stream encoding (application/vnd.amazon.eventstream). By hand where all headers are text, which
 * costs a fraction of what the library's general reader and its checksums in JavaScript do; any other message is left to the library.
 * Most messages of a stream have the very headers of the one before, and these are read once.
 */
export class EventMessageReader {
  #seen: Uint8Array = new Uint8Array();
  #headers: ReadonlyMap<string, string> = new Map();

  /** @throws {Error} when a checksum or a length is wrong. */
  read(bytes: Uint8Array): EventMessage {
    const headersEnd = preludeLength + uint32(bytes, 4);
    const bodyEnd = bytes.length - checksumLength;
    if (uint32(bytes, 0) !== bytes.length || headersEnd > bodyEnd) {
      throw new Error("its lengths contradict each other");
    }
    // It is over the beginning and that one's own checksum, too.
    if (crc32(bytes.subarray(0, bodyEnd)) !== uint32(bytes, bodyEnd)) {
      throw new Error("its checksum is wrong");
    }
    if (!this.#isSeen(bytes, headersEnd)) {
      const headers = textHeaders(bytes, headersEnd);
      if (headers === undefined) return byLibrary(bytes);
      this.#seen = bytes.slice(preludeLength, headersEnd);
      this.#headers = headers;
    }
    return { headers: this.#headers, body: bytes.subarray(headersEnd, bodyEnd) };
  }

  #isSeen(bytes: Uint8Array, headersEnd: number): boolean {
    const seen = this.#seen;
    if (seen.length === 0 || headersEnd - preludeLength !== seen.length) return false;
    for (let index = 0; index < seen.length; index++) {
      if (seen[index] !== bytes[preludeLength + index]) return false;
    }
    return true;
  }
}

/** Big-endian. Without a view, which would make the runtime give the array a buffer of its own. */
export function uint32(bytes: Uint8Array, at: number): number {
  return bytes[at]! * 0x1000000 + (bytes[at + 1]! << 16) + (bytes[at + 2]! << 8) + bytes[at + 3]!;
}

const decoder = new TextDecoder();

/** Undefined when a header is not text. */
function textHeaders(bytes: Uint8Array, end: number): Map<string, string> | undefined {
  const headers = new Map<string, string>();
  let at = preludeLength;
  while (at < end) {
    const nameEnd = at + 1 + bytes[at]!;
    if (nameEnd + 3 > end || bytes[nameEnd] !== textType) return undefined;
    const valueStart = nameEnd + 3;
    const valueEnd = valueStart + bytes[nameEnd + 1]! * 256 + bytes[nameEnd + 2]!;
    if (valueEnd > end) throw new Error("a header is longer than all of them");
    headers.set(
      decoder.decode(bytes.subarray(at + 1, nameEnd)),
      decoder.decode(bytes.subarray(valueStart, valueEnd)),
    );
    at = valueEnd;
  }
  return headers;
}

function byLibrary(bytes: Uint8Array): EventMessage {
  const { headers, body } = new EventStreamCodec(toUtf8, fromUtf8).decode(bytes);
  const texts = Object.entries(headers).map(([name, { value }]): [string, string] => [name, String(value)]);
  return { headers: new Map(texts), body };
}
