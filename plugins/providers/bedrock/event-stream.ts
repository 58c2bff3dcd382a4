import { parseJson, type StreamFrame, UpstreamError } from "intellirouter/plugin";
import { bodyFrames, type FrameReader } from "../hub/body-frames.ts";
import { asObject, type Loose } from "../hub/loose.ts";
import { type EventMessage, EventMessageReader, uint32 } from "./decode-message.ts";
import { errorFromException } from "./errors.ts";

/** Longest message that AWS sends is 16 MB; a length beyond is garbage, and would be waited for. */
const longestMessage = 24 * 1024 * 1024;
/** The fixed parts of a message: two lengths and two checksums. */
const shortestMessage = 16;

const decoder = new TextDecoder();

/** One event. */
export interface ConverseEvent {
  readonly type: string;
  readonly payload: Loose;
}

/**
 * Reads AWS's binary framing (`application/vnd.amazon.eventstream`), checksums included. Exceptions come as messages in the middle of
 * a stream that began well (wire §2).
 *
 * @throws {UpstreamError} for an exception, a damaged message, and a connection that breaks or ends inside of a message.
 */
export function converseEvents(
  body: ReadableStream<Uint8Array>,
  signal: AbortSignal,
): AsyncIterable<readonly StreamFrame<ConverseEvent>[]> {
  return bodyFrames(body, signal, new MessageReader());
}

/** Bytes in, events out; keeps what is not complete yet. */
export class MessageReader implements FrameReader<ConverseEvent> {
  failure: UpstreamError | undefined;
  readonly #messages = new EventMessageReader();
  /** Pieces of a message that is not complete, joined only when it is. */
  #pieces: Uint8Array[] = [];
  #size = 0;
  /** Bytes that there must be at least before anything more can be read. */
  #wanted = shortestMessage;

  feed(bytes: Uint8Array): readonly ConverseEvent[] {
    const events: ConverseEvent[] = [];
    const all = this.#withPieces(bytes);
    if (all === undefined) return events;
    try {
      this.#keep(all, this.#readAll(all, events));
    } catch (error) {
      if (!(error instanceof UpstreamError)) throw error;
      this.failure = error;
    }
    return events;
  }

  end(): readonly ConverseEvent[] {
    if (this.#size > 0) {
      this.failure ??= new UpstreamError({
        kind: "unavailable",
        message: "The backend's stream broke off in the middle of a message.",
      });
    }
    return [];
  }

  /** What has come so far, once it is enough to go on with. Most reads are of whole messages, and nothing is copied. */
  #withPieces(bytes: Uint8Array): Uint8Array | undefined {
    this.#size += bytes.length;
    if (this.#size < this.#wanted) {
      this.#pieces.push(bytes);
      return undefined;
    }
    if (this.#pieces.length === 0) return bytes;
    const all = Buffer.concat([...this.#pieces, bytes]);
    this.#pieces = [];
    return all;
  }

  /** Reads the messages that are complete. @returns where the first that is not begins. */
  #readAll(bytes: Uint8Array, events: ConverseEvent[]): number {
    let at = 0;
    this.#wanted = shortestMessage;
    while (bytes.length - at >= shortestMessage) {
      const length = uint32(bytes, at);
      if (length < shortestMessage || length > longestMessage) throw damaged(`a message of ${length} bytes`);
      if (bytes.length - at < length) {
        this.#wanted = length;
        break;
      }
      const event = this.#read(length === bytes.length ? bytes : bytes.subarray(at, at + length));
      if (event !== undefined) events.push(event);
      at += length;
    }
    return at;
  }

  #keep(bytes: Uint8Array, from: number): void {
    this.#size = bytes.length - from;
    if (this.#size > 0) this.#pieces.push(bytes.subarray(from));
  }

  #read(bytes: Uint8Array): ConverseEvent | undefined {
    const { headers, body } = this.#decode(bytes);
    const text = decoder.decode(body);
    switch (headers.get(":message-type")) {
      case "event":
        return { type: headers.get(":event-type") ?? "", payload: text === "" ? {} : parse(text) };
      case "exception":
        throw errorFromException(headers.get(":exception-type") ?? "", text);
      case "error": {
        const message = headers.get(":error-message") ?? "";
        throw errorFromException(headers.get(":error-code") ?? "", JSON.stringify({ message }));
      }
      default:
        return undefined;
    }
  }

  #decode(bytes: Uint8Array): EventMessage {
    try {
      return this.#messages.read(bytes);
    } catch (error) {
      throw damaged(error instanceof Error ? error.message : String(error));
    }
  }
}

function parse(text: string): Loose {
  try {
    return asObject(parseJson(text));
  } catch {
    throw damaged("an event that is not JSON");
  }
}

function damaged(what: string): UpstreamError {
  return new UpstreamError({ kind: "bad_response", message: `The backend's stream is damaged: ${what}` });
}
