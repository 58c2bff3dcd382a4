import type { AnswerStream } from "../gateway/gateway-call.ts";
import type { EventFraming } from "../gateway/operation.ts";

/**
 * An answer's pieces as the server-sent events of the client's protocol.
 *
 * Pieces that came in one read go out in one write. The next are asked for only when the client has taken what there is, and a client that leaves ends the backend's
 * call.
 */
export class EventStream implements AsyncIterableIterator<string> {
  readonly #answer: AnswerStream;
  readonly #framing: EventFraming;
  readonly #left: AbortSignal;
  readonly #onEnd: () => void;
  #ended = false;

  /**
   * @param left aborts when the client has left, also before it was sent anything.
   * @param onEnd called exactly once, when nothing more will be written.
   */
  constructor(answer: AnswerStream, framing: EventFraming, left: AbortSignal, onEnd: () => void) {
    this.#answer = answer;
    this.#framing = framing;
    this.#left = left;
    this.#onEnd = onEnd;
    left.addEventListener("abort", this.#leave);
    if (left.aborted) this.#leave();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<string, undefined>> {
    if (this.#ended) return { done: true, value: undefined };
    const texts = await this.#answer.next();
    const named = this.#framing === "named";
    if (texts === undefined) {
      this.#end();
      return named ? { done: true, value: undefined } : { done: false, value: "data: [DONE]\n\n" };
    }
    let frames = "";
    for (const text of texts) {
      frames += named ? `event: ${typeOf(text)}\ndata: ${text}\n\n` : `data: ${text}\n\n`;
    }
    return { done: false, value: frames };
  }

  return(): Promise<IteratorReturnResult<undefined>> {
    this.#leave();
    return Promise.resolve({ done: true, value: undefined });
  }

  readonly #leave = (): void => {
    if (this.#ended) return;
    this.#answer.cancel();
    this.#end();
  };

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#left.removeEventListener("abort", this.#leave);
    this.#onEnd();
  }
}

const usualStart = '{"type":"';

/** The event's name. Backends write it first; only where one does not is the text parsed again. */
function typeOf(text: string): string {
  if (text.startsWith(usualStart)) return text.slice(usualStart.length, text.indexOf('"', usualStart.length));
  return String((JSON.parse(text) as { readonly type?: unknown }).type);
}
