import type { StreamFrame } from "../provider.ts";

/** Turns the events of a backend's own protocol into chunks of the OpenAI shape. Pure; one for each stream. */
export interface StreamDecoder<Event, Chunk> {
  /**
   * Appends the chunks that this event gives: none, one or several.
   * @throws {UpstreamError} when the event is an error or is not the backend's protocol.
   */
  push(event: Event, out: Chunk[]): void;
  /**
   * Appends what is still owed at the end of the connection.
   * @throws {UpstreamError} of kind `unavailable` when the answer is not whole.
   */
  finish(out: Chunk[]): void;
}

/** A backend's frames as the decoder translates them, batch by batch, and let go of when they are left. */
export function translateFrames<Event, Chunk>(
  frames: AsyncIterable<readonly StreamFrame<Event>[]>,
  decoder: StreamDecoder<Event, Chunk>,
): AsyncIterable<readonly StreamFrame<Chunk>[]> {
  return {
    [Symbol.asyncIterator]: () => new TranslatedFrames(frames[Symbol.asyncIterator](), decoder),
  };
}

/** Not a generator: one that has not begun cannot be told to let go of the connection. */
class TranslatedFrames<Event, Chunk> implements AsyncIterator<readonly StreamFrame<Chunk>[], undefined> {
  readonly #frames: AsyncIterator<readonly StreamFrame<Event>[]>;
  readonly #decoder: StreamDecoder<Event, Chunk>;
  #over = false;
  /** What the decoder threw after it had given chunks of the same batch, which are the client's first. */
  #failure: unknown;

  constructor(
    frames: AsyncIterator<readonly StreamFrame<Event>[]>,
    decoder: StreamDecoder<Event, Chunk>,
  ) {
    this.#frames = frames;
    this.#decoder = decoder;
  }

  async next(): Promise<IteratorResult<readonly StreamFrame<Chunk>[], undefined>> {
    if (this.#failure !== undefined) throw this.#take();
    if (this.#over) return { done: true, value: undefined };
    const batch = await this.#frames.next();
    const chunks: Chunk[] = [];
    try {
      if (batch.done) {
        this.#over = true;
        this.#decoder.finish(chunks);
      } else {
        for (const frame of batch.value) this.#decoder.push(frame.chunk, chunks);
      }
    } catch (error) {
      await this.return();
      this.#failure = error;
      if (chunks.length === 0) throw this.#take();
    }
    if (batch.done && chunks.length === 0) return { done: true, value: undefined };
    return { done: false, value: chunks.map((chunk) => ({ chunk })) };
  }

  async return(): Promise<IteratorReturnResult<undefined>> {
    this.#over = true;
    await this.#frames.return?.();
    return { done: true, value: undefined };
  }

  #take(): unknown {
    const failure = this.#failure;
    this.#failure = undefined;
    return failure;
  }
}
