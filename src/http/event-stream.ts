import type { AnswerStream } from "../gateway/gateway-call.ts";
import { asApiError, errorBody } from "./error-response.ts";

const encoder = new TextEncoder();
const done = "data: [DONE]\n\n";

/**
 * An answer's pieces as server-sent events: `data: {json}`, a blank line, and `data: [DONE]` at the end (wire §1.2).
 *
 * A failure in the middle is told the one way that every client understands: an event whose first key is `error`,
 * then the end. Pieces that came in one read go out in one write. The stream asks for more only when the client
 * has taken what there is, and a client that leaves ends the backend's call.
 *
 * @param left aborts when the client has left, also before it was sent anything.
 * @param onEnd called exactly once, when nothing more will be written.
 */
export function eventStream(
  answer: AnswerStream,
  left: AbortSignal,
  onEnd: () => void,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  let ended = false;
  const end = () => {
    if (ended) return;
    ended = true;
    left.removeEventListener("abort", leave);
    onEnd();
  };
  const leave = () => {
    answer.cancel();
    end();
  };
  left.addEventListener("abort", leave);
  return new ReadableStream<Uint8Array<ArrayBuffer>>({
    start(controller) {
      answer.onHeartbeat = (text) => {
        if ((controller.desiredSize ?? 0) > 0) controller.enqueue(encoder.encode(frame(text)));
      };
    },
    async pull(controller) {
      let texts: readonly string[] | undefined;
      try {
        texts = await answer.next();
      } catch (error) {
        controller.enqueue(encoder.encode(frame(JSON.stringify(errorBody(asApiError(error)))) + done));
        controller.close();
        return end();
      }
      if (texts === undefined) {
        controller.enqueue(encoder.encode(done));
        controller.close();
        return end();
      }
      controller.enqueue(encoder.encode(texts.length === 1 ? frame(texts[0]!) : texts.map(frame).join("")));
    },
    cancel: leave,
  }, { highWaterMark: 1 });
}

function frame(text: string): string {
  return `data: ${text}\n\n`;
}
