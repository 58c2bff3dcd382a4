import type { StreamFrame } from "../plugin/api/provider.ts";
import type { StreamNormaliser } from "./operation.ts";

/** An answer in pieces that has begun. */
export interface BegunAnswer<Chunk> {
  readonly normaliser: StreamNormaliser<Chunk>;
  /** The next pieces for the client, never an empty list; undefined at the end. */
  next(): Promise<readonly string[] | undefined>;
  /** What is still owed of an answer that is whole although its backend did not end it; undefined when it is not whole. */
  wholeAnyway(): readonly string[] | undefined;
  /** Lets go of the backend's connection. */
  close(): Promise<void>;
}

/**
 * A backend's stream whose first token has come. Until then nothing has been promised to the client, so whatever goes
 * wrong before may still be answered by another target; that is why a stream begins inside the attempt.
 */
export class BegunStream<Chunk> implements BegunAnswer<Chunk> {
  readonly normaliser: StreamNormaliser<Chunk>;
  readonly #frames: AsyncIterator<readonly StreamFrame<Chunk>[]>;
  #held: string[];
  #ended: boolean;
  /** What went wrong after the last pieces. */
  #failure: { readonly error: unknown } | undefined;

  private constructor(
    frames: AsyncIterator<readonly StreamFrame<Chunk>[]>,
    normaliser: StreamNormaliser<Chunk>,
    held: string[],
    ended: boolean,
  ) {
    this.#frames = frames;
    this.normaliser = normaliser;
    this.#held = held;
    this.#ended = ended;
  }

  /** Reads until the answer has really begun: openers, pings and empty pieces are held back, but for one that `hasBegun`. */
  static async begin<Chunk>(
    frames: AsyncIterable<readonly StreamFrame<Chunk>[]>,
    normaliser: StreamNormaliser<Chunk>,
    hasBegun = false,
  ): Promise<BegunStream<Chunk>> {
    const iterator = frames[Symbol.asyncIterator]();
    const held: string[] = [];
    try {
      while (!hasBegun && !normaliser.hasOutput) {
        const batch = await iterator.next();
        if (batch.done) {
          normaliser.finish(held);
          return new BegunStream(iterator, normaliser, held, true);
        }
        for (const frame of batch.value) normaliser.push(frame, held);
      }
      return new BegunStream(iterator, normaliser, held, false);
    } catch (error) {
      await iterator.return?.().catch(() => {});
      throw error;
    }
  }

  async next(): Promise<readonly string[] | undefined> {
    if (this.#held.length > 0) {
      const held = this.#held;
      this.#held = [];
      return held;
    }
    if (this.#failure !== undefined) throw this.#failure.error;
    const out: string[] = [];
    try {
      while (!this.#ended && out.length === 0) {
        const batch = await this.#frames.next();
        if (batch.done) {
          this.#ended = true;
          this.normaliser.finish(out);
        } else {
          for (const frame of batch.value) this.normaliser.push(frame, out);
        }
      }
    } catch (error) {
      // What came before it in the same read is the client's; numbered events would else have a gap.
      if (out.length === 0) throw error;
      this.#failure = { error };
    }
    return out.length === 0 ? undefined : out;
  }

  wholeAnyway(): string[] | undefined {
    const out: string[] = [];
    try {
      this.normaliser.finish(out);
    } catch {
      return undefined;
    }
    this.#ended = true;
    return out;
  }

  async close(): Promise<void> {
    this.#ended = true;
    await this.#frames.return?.().catch(() => {});
  }
}
