import type { BegunAnswer } from "../begun-stream.ts";
import type { StreamNormaliser } from "../operation.ts";
import type { AnswerStage } from "./stage.ts";

/** A stream that has begun, with stages between it and its client. */
export class StagedStream<Chunk> implements BegunAnswer<Chunk> {
  readonly normaliser: StreamNormaliser<Chunk>;
  readonly #begun: BegunAnswer<Chunk>;
  readonly #pieces: AsyncIterator<readonly string[]>;

  constructor(begun: BegunAnswer<Chunk>, stages: readonly AnswerStage[]) {
    this.#begun = begun;
    this.normaliser = begun.normaliser;
    let pieces: AsyncIterable<readonly string[]> = piecesOf(begun);
    for (const stage of stages) pieces = stage.stream?.(pieces) ?? pieces;
    this.#pieces = pieces[Symbol.asyncIterator]();
  }

  async next(): Promise<readonly string[] | undefined> {
    for (;;) {
      const { done, value } = await this.#pieces.next();
      if (done) {
        // A stage that has heard enough ends before the backend does.
        await this.#begun.close();
        return undefined;
      }
      if (value.length > 0) return value;
    }
  }

  /** What there was to mend has been, before the stages. */
  wholeAnyway(): undefined {
    return undefined;
  }

  async close(): Promise<void> {
    await this.#pieces.return?.().catch(() => {});
    await this.#begun.close();
  }
}

async function* piecesOf(begun: BegunAnswer<unknown>): AsyncGenerator<readonly string[]> {
  try {
    for (let texts = await begun.next(); texts !== undefined; texts = await begun.next()) yield texts;
  } catch (error) {
    const rest = begun.wholeAnyway();
    if (rest === undefined) throw error;
    yield rest;
  }
}
