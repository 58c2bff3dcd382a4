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

/** One event: the field is its name, the value its payload. */
export type ConverseEvent = Readonly<Record<string, Loose>>;

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

  feed(bytes: Uint8Array): readonly ConverseEvent[] {
    this.#pieces.push(bytes);
    this.#size += bytes.length;
    const events: ConverseEvent[] = [];
    try {
      for (let message = this.#take(); message !== undefined; message = this.#take()) {
        const event = this.#read(message);
        if (event !== undefined) events.push(event);
      }
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

  /** The bytes of the next complete message. */
  #take(): Uint8Array | undefined {
    if (this.#size < shortestMessage) return undefined;
    if (this.#pieces[0]!.length < 4) this.#join();
    const [first] = this.#pieces;
    const length = uint32(first!, 0);
    if (length < shortestMessage || length > longestMessage) throw damaged(`a message of ${length} bytes`);
    if (this.#size < length) return undefined;
    const all = this.#join();
    this.#pieces = [all.subarray(length)];
    this.#size -= length;
    return all.subarray(0, length);
  }

  #join(): Uint8Array {
    if (this.#pieces.length === 1) return this.#pieces[0]!;
    const all = new Uint8Array(this.#size);
    let position = 0;
    for (const piece of this.#pieces) {
      all.set(piece, position);
      position += piece.length;
    }
    this.#pieces = [all];
    return all;
  }

  #read(bytes: Uint8Array): ConverseEvent | undefined {
    const { headers, body } = this.#decode(bytes);
    const header = (name: string) => headers.get(name) ?? "";
    const text = decoder.decode(body);
    switch (header(":message-type")) {
      case "exception":
        throw errorFromException(header(":exception-type"), text);
      case "error":
        throw errorFromException(
          header(":error-code"),
          JSON.stringify({ message: header(":error-message") }),
        );
      case "event": {
        const payload = text === "" ? {} : parse(text);
        return { [header(":event-type")]: payload };
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
