import type { BegunAnswer } from "../begun-stream.ts";
import type { NormalisedWhole, Operation, StreamNormaliser } from "../operation.ts";
import type { RequestBody } from "../request-body.ts";
import { withoutHiddenJson, withoutHiddenValue } from "./hidden-text-stage.ts";

/** A stream whose pieces hold no characters that nobody sees; those that held none are the very same. */
export class CleansedStream<Chunk> implements BegunAnswer<Chunk> {
  readonly normaliser: StreamNormaliser<Chunk>;
  readonly #begun: BegunAnswer<Chunk>;

  constructor(begun: BegunAnswer<Chunk>) {
    this.normaliser = begun.normaliser;
    this.#begun = begun;
  }

  async next(): Promise<readonly string[] | undefined> {
    return (await this.#begun.next())?.map(withoutHiddenJson);
  }

  wholeAnyway(): readonly string[] | undefined {
    return this.#begun.wholeAnyway()?.map(withoutHiddenJson);
  }

  close(): Promise<void> {
    return this.#begun.close();
  }
}

/** A whole answer without them; the very same where there were none. */
export function withoutHiddenWhole<Body extends RequestBody>(
  operation: Operation<Body>,
  whole: NormalisedWhole,
): NormalisedWhole {
  // What has no texts is long and holds numbers.
  if (operation.editAnswer === undefined) return whole;
  if (whole.text !== undefined && withoutHiddenJson(whole.text) === whole.text) return whole;
  const body = withoutHiddenValue(whole.body);
  if (body === whole.body) return whole;
  operation.replaceAnswer?.(body);
  const { text: _text, ...rest } = whole;
  return { ...rest, body };
}
