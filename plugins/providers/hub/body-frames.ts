import { type BodyReader, openBody, type StreamFrame, UpstreamError } from "intellirouter/plugin";

/** Bytes in, events out; keeps what is not complete yet. Throws nothing: a failure comes after the events before it. */
export interface FrameReader<Event> {
  /** Set when nothing more can be read. */
  readonly failure: UpstreamError | undefined;
  /** The events that these bytes complete. */
  feed(bytes: Uint8Array): readonly Event[];
  /** No more bytes: the events that were complete but for their end. */
  end(): readonly Event[];
}

/**
 * The events of a body whose framing is not that of server-sent events, batched by what one read gave.
 *
 * @throws {UpstreamError} what the reader failed with, and when the connection breaks.
 */
export function bodyFrames<Event>(
  body: ReadableStream<Uint8Array>,
  signal: AbortSignal,
  reader: FrameReader<Event>,
): AsyncIterable<readonly StreamFrame<Event>[]> {
  return { [Symbol.asyncIterator]: () => new BodyFrames(openBody(body), signal, reader) };
}

/** Not a generator: one that has not begun cannot be told to let go of the connection. */
class BodyFrames<Event> implements AsyncIterator<readonly StreamFrame<Event>[], undefined> {
  readonly #body: BodyReader;
  readonly #signal: AbortSignal;
  readonly #reader: FrameReader<Event>;
  /** The body has been read to its end or let go of. */
  #over = false;
  #told = false;

  constructor(body: BodyReader, signal: AbortSignal, reader: FrameReader<Event>) {
    this.#body = body;
    this.#signal = signal;
    this.#reader = reader;
  }

  async next(): Promise<IteratorResult<readonly StreamFrame<Event>[], undefined>> {
    while (!this.#over && this.#reader.failure === undefined) {
      const { done, value } = await this.#read();
      if (done) this.#over = true;
      const events = done ? this.#reader.end() : this.#reader.feed(value);
      if (events.length > 0) return { done: false, value: events.map((chunk) => ({ chunk })) };
    }
    await this.return();
    // What came before a failure is the client's; only then is the failure told, once.
    const { failure } = this.#reader;
    if (failure !== undefined && !this.#told) {
      this.#told = true;
      throw failure;
    }
    return { done: true, value: undefined };
  }

  return(): Promise<IteratorReturnResult<undefined>> {
    if (!this.#over) {
      this.#over = true;
      this.#body.cancel();
    }
    return Promise.resolve({ done: true, value: undefined });
  }

  async #read() {
    try {
      return await this.#body.read();
    } catch (error) {
      this.#over = true;
      if (this.#signal.aborted) throw this.#signal.reason;
      const reason = error instanceof Error ? error.message : String(error);
      throw new UpstreamError({
        kind: "unavailable",
        message: `The connection to the backend broke: ${reason}`,
        cause: error,
      });
    }
  }
}
