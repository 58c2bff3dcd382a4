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
 * @throws {ApiError} 400 without a boundary or a model; 413.
 */
export async function peekModel(request: Request, maxBytes: number): Promise<PeekedForm> {
  const boundary = boundaryOf(request.headers.get("content-type") ?? "");
  const reader = request.body?.getReader();
  const buffer = new GrowingBuffer();
  const search = new ModelSearch(boundary);
  for (;;) {
    const found = search.continue(buffer.bytes);
    if (found !== undefined) return new Form(buffer.bytes, found, boundary, reader, maxBytes);
    const { done, value } = await reader?.read().catch(brokenOff) ?? { done: true, value: undefined };
    if (done) throw noModel();
    buffer.add(value);
    if (buffer.size > maxBytes) throw tooLarge(maxBytes);
  }
}

class Form implements PeekedForm {
  readonly model: string;
  readonly whole: boolean;
  readonly #head: Uint8Array;
  readonly #tail: Uint8Array;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  #size: number;
  readonly #maxBytes: number;

  constructor(
    bytes: Uint8Array,
    found: { readonly start: number; readonly end: number },
    boundary: string,
    reader: ReadableStreamDefaultReader<Uint8Array> | undefined,
    maxBytes: number,
  ) {
    this.model = new TextDecoder().decode(bytes.subarray(found.start, found.end)).trim();
    if (this.model === "") throw noModel();
    this.#head = bytes.subarray(0, found.start);
    this.#tail = bytes.subarray(found.end);
    this.whole = Buffer.from(this.#tail).includes(`--${boundary}--`);
    this.#reader = reader;
    this.#size = bytes.byteLength;
    this.#maxBytes = maxBytes;
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

  async *#pieces(model: string): AsyncGenerator<Uint8Array, void> {
    yield this.#head;
    yield new TextEncoder().encode(model);
    yield this.#tail;
    while (!this.whole && this.#reader !== undefined) {
      const { done, value } = await this.#reader.read();
      if (done) return;
      this.#size += value.byteLength;
      if (this.#size > this.#maxBytes) throw tooLarge(this.#maxBytes);
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
  throw new ApiError({
    status: 400,
    code: "invalid_form",
    message: "The form's content type names no boundary.",
  });
}

/** Finds the value of the field `model` in a form that grows; what was looked through once is not looked through again. */
class ModelSearch {
  readonly #delimiter: string;
  /** The part that is looked at begins here. */
  #at = 0;

  constructor(boundary: string) {
    this.#delimiter = `--${boundary}`;
  }

  /** Where the value lies; undefined while it is not all there. */
  continue(bytes: Uint8Array): { readonly start: number; readonly end: number } | undefined {
    const form = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (;;) {
      const part = form.indexOf(this.#delimiter, this.#at);
      if (part < 0) {
        // A delimiter may have come in half.
        this.#at = Math.max(this.#at, form.length - this.#delimiter.length);
        return undefined;
      }
      this.#at = part;
      const headersEnd = form.indexOf("\r\n\r\n", part);
      if (headersEnd < 0) return undefined;
      const headers = form.toString("latin1", part, headersEnd);
      if (/\r\ncontent-disposition:[^\r]*;\s*name="?model"?(?:;|\r|$)/i.test(headers)) {
        const start = headersEnd + 4;
        const end = form.indexOf(`\r\n${this.#delimiter}`, start);
        return end < 0 ? undefined : { start, end };
      }
      this.#at = headersEnd + 4;
    }
  }
}

function noModel(): ApiError {
  return new ApiError({
    status: 400,
    code: "missing_required_parameter",
    param: "model",
    message: "The form has no field `model`.",
  });
}
