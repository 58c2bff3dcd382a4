import { ApiError } from "../lib/api-error.ts";
import { brokenOff, tooLarge } from "./body-errors.ts";

/** A form whose model is known, and whose bytes can be sent on with another one in its place. */
export interface PeekedForm {
  readonly model: string;
  /** All of the form has been read. */
  readonly whole: boolean;
  /** The form with that model in it. The part that has not been read yet can be given out only once. */
  body(model: string): ReadableStream<Uint8Array<ArrayBuffer>>;
}

/**
 * Reads a multipart form (RFC 7578) only as far as the field `model`. What comes after it is streamed on unread, so that a client
 * which names the model first can send a file of any length through little memory; when a file comes first, it is held.
 *
 * @param maxBytes most bytes of the form.
 * @param onEnd called once when the form has been read to its end, or with the reason why it will not be.
 * @throws {ApiError} 400 without a boundary or a model; 413.
 */
export async function peekModel(
  request: Request,
  maxBytes: number,
  onEnd: (refusal: ApiError | undefined) => void = () => {},
): Promise<PeekedForm> {
  const boundary = boundaryOf(request.headers.get("content-type") ?? "");
  const reader = request.body?.getReader();
  const buffer = new GrowingBuffer();
  const search = new ModelSearch(boundary);
  for (;;) {
    const found = search.continue(buffer.bytes);
    if (found !== undefined) return new Form(buffer.bytes, found, boundary, reader, maxBytes, onEnd);
    const { done, value } = await reader?.read().catch(brokenOff) ?? { done: true, value: undefined };
    if (done) throw noModel();
    buffer.add(value);
    if (buffer.size > maxBytes) throw tooLarge(maxBytes);
  }
}

class Form implements PeekedForm {
  readonly model: string;
  readonly whole: boolean;
  readonly #boundary: string;
  readonly #head: Uint8Array;
  readonly #tail: Uint8Array;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  #size: number;
  readonly #maxBytes: number;
  readonly #onEnd: (refusal: ApiError | undefined) => void;

  constructor(
    bytes: Uint8Array,
    found: { readonly start: number; readonly end: number },
    boundary: string,
    reader: ReadableStreamDefaultReader<Uint8Array> | undefined,
    maxBytes: number,
    onEnd: (refusal: ApiError | undefined) => void,
  ) {
    this.#onEnd = onEnd;
    this.model = new TextDecoder().decode(bytes.subarray(found.start, found.end)).trim();
    if (this.model === "") throw noModel();
    this.#head = bytes.subarray(0, found.start);
    this.#tail = bytes.subarray(found.end);
    this.#boundary = boundary;
    this.whole = Buffer.from(this.#tail).includes(`\r\n--${boundary}--`);
    if (new ModelSearch(boundary).continue(this.#tail) !== undefined) throw twoModels();
    this.#reader = reader;
    this.#size = bytes.byteLength;
    this.#maxBytes = maxBytes;
    if (this.whole) onEnd(undefined);
  }

  body(model: string): ReadableStream<Uint8Array<ArrayBuffer>> {
    const pieces = this.#pieces(model);
    return new ReadableStream({
      async pull(controller) {
        const { done, value } = await pieces.next();
        if (done) controller.close();
        else controller.enqueue(value as Uint8Array<ArrayBuffer>);
      },
      async cancel() {
        await pieces.return(undefined);
      },
    }, { highWaterMark: 1 });
  }

  #refuse(refusal: ApiError): ApiError {
    this.#onEnd(refusal);
    return refusal;
  }

  async *#pieces(model: string): AsyncGenerator<Uint8Array, void> {
    yield this.#head;
    yield new TextEncoder().encode(model);
    yield this.#tail;
    // What is not read yet may hold a second model, also one that begins in one piece and ends in another.
    let carried = Buffer.from(this.#tail.subarray(-longestHead));
    while (!this.whole && this.#reader !== undefined) {
      const { done, value } = await this.#reader.read();
      if (done) return this.#onEnd(undefined);
      this.#size += value.byteLength;
      if (this.#size > this.#maxBytes) throw this.#refuse(tooLarge(this.#maxBytes));
      const window = Buffer.concat([carried, value]);
      if (hasModel(window, this.#boundary)) throw this.#refuse(twoModels());
      carried = window.subarray(-longestHead);
      yield value;
    }
  }
}

/** Doubles when it is full, so that a long form is not copied for every piece. */
class GrowingBuffer {
  size = 0;
  #bytes = new Uint8Array(16 * 1024);

  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.size);
  }

  add(piece: Uint8Array): void {
    if (this.size + piece.byteLength > this.#bytes.byteLength) {
      const larger = new Uint8Array(Math.max(this.#bytes.byteLength * 2, this.size + piece.byteLength));
      larger.set(this.bytes);
      this.#bytes = larger;
    }
    this.#bytes.set(piece, this.size);
    this.size += piece.byteLength;
  }
}

function boundaryOf(contentType: string): string {
  const match = contentType.match(/;\s*boundary=(?:"([^"]{1,70})"|([^\s;]{1,70}))/i);
  const boundary = match?.[1] ?? match?.[2];
  if (boundary !== undefined) return boundary;
  throw badForm("The form's content type names no boundary.");
}

/** A part's head may be this long, in bytes; more is no form that a client would send. */
const longestHead = 16 * 1024;

/**
 * Finds parts of the name `model` in a form that grows. A delimiter stands at the beginning of a line, so that what merely looks like one
 * inside of a file is not taken for it (RFC 2046 §5.1.1).
 */
class ModelSearch {
  readonly #delimiter: Buffer;
  /** What is looked at next begins here. */
  #at = 0;

  constructor(boundary: string) {
    this.#delimiter = Buffer.from(`\r\n--${boundary}`);
  }

  /** Where the value of the next such part lies; undefined while it is not all there. */
  continue(bytes: Uint8Array): { readonly start: number; readonly end: number } | undefined {
    const form = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (;;) {
      const part = this.#nextDelimiter(form);
      if (part === undefined) return undefined;
      const headEnd = form.indexOf("\r\n\r\n", part.end);
      if (headEnd < 0) {
        if (form.length - part.end > longestHead) throw badForm("The head of a part does not end.");
        this.#at = part.start;
        return undefined;
      }
      const start = headEnd + 4;
      if (nameOf(form.toString("latin1", part.end, headEnd)) === "model") {
        const end = form.indexOf(this.#delimiter, start);
        this.#at = end < 0 ? part.start : end;
        return end < 0 ? undefined : { start, end };
      }
      this.#at = headEnd + 2;
    }
  }

  /** The next line that is a delimiter and not the last one; `end` is behind it. */
  #nextDelimiter(form: Buffer): { readonly start: number; readonly end: number } | undefined {
    const line = this.#delimiter;
    for (;;) {
      // The first delimiter has no line before it.
      const first = this.#at === 0 && form.subarray(0, line.length - 2).equals(line.subarray(2));
      const start = first ? 0 : form.indexOf(line, this.#at);
      if (start < 0) {
        this.#at = Math.max(this.#at, form.length - line.length);
        return undefined;
      }
      const end = start + line.length - (first ? 2 : 0);
      if (form.length < end + 2) {
        this.#at = start;
        return undefined;
      }
      // Blanks may stand behind a delimiter; anything else is another boundary that begins alike.
      const rest = form.toString("latin1", end, Math.min(form.length, end + 64));
      if (/^[ \t]*\r\n/.test(rest)) return { start, end };
      this.#at = Math.max(start + 1, end);
    }
  }
}

/** Whether the head of a part of the name `model` is in these bytes; its value need not be. */
function hasModel(bytes: Buffer, boundary: string): boolean {
  const line = `\r\n--${boundary}\r\n`;
  for (let at = bytes.indexOf(line); at >= 0; at = bytes.indexOf(line, at + 1)) {
    const end = bytes.indexOf("\r\n\r\n", at);
    if (end >= 0 && nameOf(bytes.toString("latin1", at + line.length - 2, end)) === "model") return true;
  }
  return false;
}

/** The name that a part's head gives it; quoted or not, in any case and order. */
function nameOf(head: string): string | undefined {
  const disposition = head.match(/(?:^|\r\n)content-disposition:([^\r]*)/i)?.[1] ?? "";
  for (
    const [, key, quoted, plain] of disposition.matchAll(
      /;\s*([\w*-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;]*))/g,
    )
  ) {
    if (key!.toLowerCase() === "name") return quoted === undefined ? plain : quoted.replace(/\\(.)/g, "$1");
  }
  return undefined;
}

function badForm(message: string): ApiError {
  return new ApiError({ status: 400, code: "invalid_form", message });
}

/** Backends differ in which one they take, and only the first was looked at. */
function twoModels(): ApiError {
  return new ApiError({
    status: 400,
    code: "invalid_form",
    param: "model",
    message: "The form has more than one field `model`.",
  });
}

function noModel(): ApiError {
  return new ApiError({
    status: 400,
    code: "missing_required_parameter",
    param: "model",
    message: "The form has no field `model`.",
  });
}
