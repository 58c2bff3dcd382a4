import { parseJson, UpstreamError } from "intellirouter/plugin";
import type { FrameReader } from "../hub/body-frames.ts";

/** Longest line, in characters; images can come as one. */
const longestLine = 32 * 1024 * 1024;

/** Reads JSON values, one on each line (`application/x-ndjson`). */
export class NdjsonReader<Value> implements FrameReader<Value> {
  failure: UpstreamError | undefined;
  readonly #decoder = new TextDecoder();
  /** Pieces of a line that is not complete, joined only when it is. */
  #pieces: string[] = [];
  #size = 0;

  feed(bytes: Uint8Array): readonly Value[] {
    return this.#read(this.#decoder.decode(bytes, { stream: true }));
  }

  /** The last line may lack its end, or be half of one. */
  end(): readonly Value[] {
    const values = [...this.#read(this.#decoder.decode())];
    this.#line(this.#pieces.join(""), values, true);
    this.#pieces = [];
    return values;
  }

  #read(text: string): readonly Value[] {
    const values: Value[] = [];
    let start = 0;
    for (let end = text.indexOf("\n"); end >= 0; end = text.indexOf("\n", start)) {
      this.#pieces.push(text.slice(start, end));
      this.#line(this.#pieces.join(""), values, false);
      this.#pieces = [];
      this.#size = 0;
      start = end + 1;
    }
    if (start < text.length) this.#pieces.push(text.slice(start));
    this.#size += text.length - start;
    if (this.#size > longestLine) {
      this.failure ??= garbage(`a line of more than ${longestLine} characters`);
    }
    return values;
  }

  #line(line: string, values: Value[], isLast: boolean): void {
    if (this.failure !== undefined || line.trim() === "") return;
    try {
      values.push(parseJson(line) as Value);
    } catch {
      this.failure = isLast
        ? new UpstreamError({
          kind: "unavailable",
          message: "The backend's stream broke off in the middle of a line.",
        })
        : garbage("a line that is not JSON");
    }
  }
}

function garbage(what: string): UpstreamError {
  return new UpstreamError({ kind: "bad_response", message: `The backend's stream is ${what}` });
}
