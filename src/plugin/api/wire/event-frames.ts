import { parseJson } from "../../../lib/lossless-json.ts";
import { UpstreamError } from "../upstream-error.ts";
import type { StreamFrame } from "../provider.ts";
import { createParser } from "eventsource-parser";
import type { EventSourceParser } from "eventsource-parser";
import { type BodyReader, openBody } from "./body-reader.ts";
import { brokenConnection } from "./broken-connection.ts";
import { errorFromObject, errorInside } from "./error-body.ts";

/** Longest event, in characters; images can come as one. */
const longestEvent = 32 * 1024 * 1024;

/** Time for which the connection may stay open after the end was announced, in milliseconds. */
const closingMs = 1_000;

const plainStart = "data: ";

/** What an event's name, in protocols that have them, begins with; its data follows on the next line. */
const namedStart = "event: ";

/** Events of these names say nothing. */
const silentEvents = new Set(["ping", "keepalive", "keep-alive", "heartbeat"]);

/**
 * Reads server-sent events into frames, one batch for each read, as they are asked for.
 *
 * Events in the plain forms that backends nearly always use (`data: {…}`, perhaps `event: …` before it, a blank line) are cut by
 * hand, since that costs a fraction; from the first unusual byte on a full parser takes over.
 *
 * @param mask takes secrets out of an error that the backend sent.
 * @param isLast knows the event with which the protocol ends, where that is not `[DONE]`: a backend may keep its connection open.
 * @throws {UpstreamError} on an error event, on garbage, and when the connection breaks.
 */
export function eventFrames<Chunk>(
  body: ReadableStream<Uint8Array>,
  signal: AbortSignal,
  mask: (error: unknown) => unknown = (error) => error,
  isLast: (chunk: Chunk) => boolean = () => false,
): AsyncIterable<readonly StreamFrame<Chunk>[]> {
  return { [Symbol.asyncIterator]: () => new EventFrames<Chunk>(openBody(body), signal, mask, isLast) };
}

/** Not a generator: one that has not begun cannot be told to let go of the connection. */
class EventFrames<Chunk> implements AsyncIterator<readonly StreamFrame<Chunk>[], undefined> {
  readonly #reader: BodyReader;
  readonly #signal: AbortSignal;
  readonly #mask: (error: unknown) => unknown;
  readonly #events: EventReader<Chunk>;
  /** The connection has been read to its end or let go of. */
  #over = false;

  constructor(
    reader: BodyReader,
    signal: AbortSignal,
    mask: (error: unknown) => unknown,
    isLast: (chunk: Chunk) => boolean,
  ) {
    this.#reader = reader;
    this.#signal = signal;
    this.#mask = mask;
    this.#events = new EventReader(isLast);
  }

  async next(): Promise<IteratorResult<readonly StreamFrame<Chunk>[], undefined>> {
    const events = this.#events;
    while (!this.#over && !events.done && events.failure === undefined) {
      const { done, value } = await this.#read();
      const frames = done ? events.end() : events.feed(value);
      if (done) this.#over = true;
      if (frames.length > 0) return { done: false, value: frames };
    }
    await this.return();
    // What came before a failure is the client's; only then is the failure told, once.
    const { failure } = events;
    events.failure = undefined;
    if (failure !== undefined) throw this.#mask(failure);
    return { done: true, value: undefined };
  }

  return(): Promise<IteratorReturnResult<undefined>> {
    if (!this.#over) {
      this.#over = true;
      release(this.#reader, this.#events.done);
    }
    return Promise.resolve({ done: true, value: undefined });
  }

  async #read() {
    try {
      return await this.#reader.read();
    } catch (error) {
      this.#over = true;
      if (this.#signal.aborted) throw this.#signal.reason;
      throw brokenConnection(error);
    }
  }
}

/** A connection that has reached its end can serve another request; any other is cut. */
function release(reader: BodyReader, announced: boolean): void {
  if (!announced) return reader.cancel();
  const timer = setTimeout(() => reader.cancel(), closingMs);
  reader.read()
    .then(({ done }) => done ? undefined : reader.cancel(), () => {})
    .finally(() => clearTimeout(timer));
}

/** Bytes in, frames out; keeps what is not complete yet. */
export class EventReader<Chunk> {
  /** The backend has said that this is all. */
  done = false;
  failure: UpstreamError | undefined;
  readonly #decoder = new TextDecoder();
  /** The beginning of an event, and what came of it since; joined only when it is complete. */
  #pending = "";
  #more: string[] = [];
  /** Characters since the last event, at most those of the last read too many. */
  #size = 0;
  /** The bytes are at their end, so an event may be half of one. */
  #ending = false;
  #frames: StreamFrame<Chunk>[] = [];
  #parser: EventSourceParser | undefined;
  readonly #isLast: (chunk: Chunk) => boolean;

  constructor(isLast: (chunk: Chunk) => boolean = () => false) {
    this.#isLast = isLast;
  }

  feed(bytes: Uint8Array): readonly StreamFrame<Chunk>[] {
    this.#frames = [];
    const text = this.#decoder.decode(bytes, { stream: true });
    if (text !== "") this.#guard(() => this.#parser === undefined ? this.#cut(text) : this.#parse(text));
    return this.#frames;
  }

  /** No more bytes: an event may lack its blank line. */
  end(): readonly StreamFrame<Chunk>[] {
    this.#frames = [];
    this.#ending = true;
    const rest = this.#decoder.decode();
    this.#guard(() => {
      if (this.#parser === undefined) this.#useParser(this.#take(""));
      this.#parse(`${rest}\n\n`);
    });
    return this.#frames;
  }

  #cut(piece: string): void {
    // A long event comes in many pieces, and what is known to have no end is not looked through again.
    if (this.#pending.length >= plainStart.length && !endsEvent(piece, this.#more.at(-1) ?? this.#pending)) {
      this.#more.push(piece);
      this.#grow(piece.length);
      if (piece.includes("\r")) this.#useParser(this.#take(""));
      return;
    }
    const text = this.#take(piece);
    let start = 0;
    for (;;) {
      const end = text.indexOf("\n\n", start);
      if (end < 0) break;
      const named = text.startsWith(namedStart, start);
      const line = named ? text.indexOf("\n", start) + 1 : start;
      if (!text.startsWith(plainStart, line)) return this.#useParser(text.slice(start));
      const data = text.slice(line + plainStart.length, end);
      const event = named ? text.slice(start + namedStart.length, line - 1) : undefined;
      if (data.includes("\n") || data.includes("\r") || event?.includes("\r")) {
        return this.#useParser(text.slice(start));
      }
      start = end + 2;
      this.#event(event, data);
      if (this.done) return;
    }
    this.#pending = text.slice(start);
    this.#size = 0;
    this.#grow(this.#pending.length);
    // Without plain line ends the blank line would never be found.
    const begun = this.#pending.slice(0, namedStart.length);
    const unusual = begun.length >= plainStart.length && !begun.startsWith(plainStart) &&
      !namedStart.startsWith(begun);
    if (unusual || this.#pending.includes("\r")) this.#useParser(this.#take(""));
  }

  #useParser(text: string): void {
    this.#parser = createParser({
      onEvent: ({ event, data }) => {
        this.#size = 0;
        if (this.done || this.failure !== undefined) return;
        this.#guard(() => this.#event(event, data));
      },
      onError: (error) => {
        // An old llama.cpp puts errors into a field of their own.
        if (error.type === "unknown-field" && error.field === "error") {
          this.#guard(() => this.#error(error.value ?? ""));
        }
      },
    });
    this.#parse(text);
  }

  /** Whole lines only: of a line in pieces the parser would drop a field that it does not know. */
  #parse(piece: string): void {
    const end = Math.max(piece.lastIndexOf("\n"), piece.lastIndexOf("\r")) + 1;
    if (end > 0) this.#parser!.feed(this.#take(piece.slice(0, end)));
    if (end < piece.length) this.#more.push(piece.slice(end));
    this.#grow(piece.length);
  }

  #grow(characters: number): void {
    this.#size += characters;
    if (this.#size > longestEvent) throw tooLong();
  }

  /** All that was held back, with the piece at its end. */
  #take(piece: string): string {
    if (this.#pending === "" && this.#more.length === 0) return piece;
    const text = this.#pending + this.#more.join("") + piece;
    this.#pending = "";
    this.#more = [];
    return text;
  }

  #event(event: string | undefined, data: string): void {
    if (event === "error") this.#error(data);
    else if (event === undefined || !silentEvents.has(event)) this.#data(data);
  }

  #data(data: string): void {
    const said = data.trim();
    if (said === "[DONE]") {
      this.done = true;
      return;
    }
    if (said === "") return;
    let value: unknown;
    try {
      value = parseJson(data);
    } catch (error) {
      throw this.#ending
        ? new UpstreamError({
          kind: "unavailable",
          message: "The backend's stream broke off in the middle of an event.",
        })
        : new UpstreamError({
          kind: "bad_response",
          message: "The backend's stream has an event that is not JSON.",
          cause: error,
        });
    }
    const failure = errorInside(value);
    if (failure !== undefined) throw failure;
    const chunk = value as Chunk;
    this.#frames.push(data.includes("\n") ? { chunk } : { chunk, text: data });
    if (this.#isLast(chunk)) this.done = true;
  }

  #error(data: string): void {
    let error: unknown = data;
    try {
      error = JSON.parse(data);
    } catch {
      // Said in plain words.
    }
    throw errorInside(error) ?? errorFromObject(error);
  }

  #guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      if (!(error instanceof UpstreamError)) throw error;
      this.failure ??= error;
    }
  }
}

/** Whether a piece completes an event, possibly with the line end that came before it. */
function endsEvent(piece: string, before: string): boolean {
  return piece.includes("\n\n") || (piece.startsWith("\n") && before.endsWith("\n"));
}

function tooLong(): UpstreamError {
  return new UpstreamError({
    kind: "bad_response",
    message: `The backend sent an event of more than ${longestEvent} characters.`,
  });
}
