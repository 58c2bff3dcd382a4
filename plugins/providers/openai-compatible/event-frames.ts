import { UpstreamError } from "intellirouter/plugin";
import type { StreamFrame } from "intellirouter/plugin";
import { createParser } from "eventsource-parser";
import type { EventSourceParser } from "eventsource-parser";
import { errorFromObject, errorInside } from "./errors.ts";

/** Longest event, in characters; images can come as one. */
const longestEvent = 32 * 1024 * 1024;

/** Time for which the connection may stay open after the end was announced, in milliseconds. */
const closingMs = 1_000;

/** Events of these names say nothing. */
const silentEvents = new Set(["ping", "keepalive", "keep-alive", "heartbeat"]);

/**
 * Reads server-sent events into frames, one batch for each read.
 *
 * Events in the plain form that backends nearly always use (`data: {…}`, a blank line) are cut by hand, since that costs a
 * fraction; from the first unusual byte on a full parser takes over.
 *
 * @param mask takes secrets out of an error that the backend sent.
 * @throws {UpstreamError} on an error event, on garbage, and when the connection breaks.
 */
export async function* eventFrames<Chunk>(
  body: ReadableStream<Uint8Array>,
  signal: AbortSignal,
  mask: (error: unknown) => unknown = (error) => error,
): AsyncGenerator<readonly StreamFrame<Chunk>[]> {
  const reader = body.getReader();
  const events = new EventReader<Chunk>();
  let atEnd = false;
  try {
    while (!events.done) {
      const { done, value } = await read(reader, signal);
      atEnd = done;
      const frames = done ? events.end() : events.feed(value);
      if (frames.length > 0) yield frames;
      // What came before a failure is the client's; only then is the failure told.
      if (events.failure !== undefined) throw mask(events.failure);
      if (done) return;
    }
  } finally {
    if (!atEnd) await release(reader, events.done);
  }
}

async function read(reader: ReadableStreamDefaultReader<Uint8Array>, signal: AbortSignal) {
  try {
    return await reader.read();
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    const reason = error instanceof Error ? error.message : String(error);
    throw new UpstreamError({
      kind: "unavailable",
      message: `The connection to the backend broke: ${reason}`,
      cause: error,
    });
  }
}

/** A connection that has reached its end can serve another request; any other is cut. */
async function release(reader: ReadableStreamDefaultReader<Uint8Array>, announced: boolean): Promise<void> {
  const cut = () => reader.cancel().catch(() => {});
  if (!announced) return await cut();
  const timer = setTimeout(cut, closingMs);
  void reader.read().then(({ done }) => done ? undefined : cut(), () => {}).finally(() =>
    clearTimeout(timer)
  );
}

/** Bytes in, frames out; keeps what is not complete yet. */
export class EventReader<Chunk> {
  /** The backend has said that this is all. */
  done = false;
  failure: UpstreamError | undefined;
  readonly #decoder = new TextDecoder();
  #pending = "";
  #frames: StreamFrame<Chunk>[] = [];
  #parser: EventSourceParser | undefined;

  feed(bytes: Uint8Array): readonly StreamFrame<Chunk>[] {
    this.#frames = [];
    const text = this.#decoder.decode(bytes, { stream: true });
    if (this.#parser === undefined) this.#cut(text);
    else this.#guard(() => this.#parser!.feed(text));
    return this.#frames;
  }

  /** No more bytes: an event may lack its blank line. */
  end(): readonly StreamFrame<Chunk>[] {
    this.#frames = [];
    const rest = this.#decoder.decode();
    if (this.#parser === undefined) this.#useParser();
    this.#guard(() => this.#parser!.feed(`${rest}\n\n`));
    return this.#frames;
  }

  #cut(text: string): void {
    const pending = this.#pending === "" ? text : this.#pending + text;
    let start = 0;
    this.#guard(() => {
      for (;;) {
        const end = pending.indexOf("\n\n", start);
        if (end < 0) break;
        if (!pending.startsWith("data: ", start)) return this.#useParser(pending.slice(start));
        const data = pending.slice(start + 6, end);
        if (data.includes("\n") || data.includes("\r")) return this.#useParser(pending.slice(start));
        start = end + 2;
        this.#data(data);
        if (this.done || this.failure !== undefined) return;
      }
      this.#pending = pending.slice(start);
      if (this.#pending.length > longestEvent) throw tooLong();
      // Without plain line ends the blank line would never be found.
      if (
        this.#pending.includes("\r") || (this.#pending.length >= 6 && !this.#pending.startsWith("data: "))
      ) this.#useParser(this.#pending);
    });
  }

  #useParser(text = this.#pending): void {
    this.#pending = "";
    let size = 0;
    this.#parser = createParser({
      onEvent: ({ event, data }) => {
        size = 0;
        if (this.done || this.failure !== undefined || (event !== undefined && silentEvents.has(event))) {
          return;
        }
        this.#guard(() => event === "error" ? this.#error(data) : this.#data(data));
      },
      onError: (error) => {
        // An old llama.cpp puts errors into a field of their own.
        if (error.type === "unknown-field" && error.field === "error") {
          this.#guard(() => this.#error(error.value ?? ""));
        }
      },
    });
    const feed = this.#parser.feed.bind(this.#parser);
    this.#parser.feed = (piece) => {
      size += piece.length;
      feed(piece);
      if (size > longestEvent) throw tooLong();
    };
    this.#parser.feed(text);
  }

  #data(data: string): void {
    if (data === "[DONE]") {
      this.done = true;
      return;
    }
    if (data.trim() === "") return;
    let value: unknown;
    try {
      value = JSON.parse(data);
    } catch (error) {
      throw new UpstreamError({
        kind: "bad_response",
        message: `The backend's stream is not JSON: ${data.slice(0, 200)}`,
        cause: error,
      });
    }
    const failure = errorInside(value);
    if (failure !== undefined) throw failure;
    const chunk = value as Chunk;
    this.#frames.push(data.includes("\n") ? { chunk } : { chunk, text: data });
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

function tooLong(): UpstreamError {
  return new UpstreamError({
    kind: "bad_response",
    message: `The backend sent an event of more than ${longestEvent} characters.`,
  });
}
