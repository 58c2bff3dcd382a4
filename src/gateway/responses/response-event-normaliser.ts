import type { ApiError } from "../../lib/api-error.ts";
import type { StreamFrame } from "../../plugin/api/provider.ts";
import { UpstreamError } from "../../plugin/api/upstream-error.ts";
import { errorFromObject } from "../../plugin/api/wire/error-body.ts";
import type { Usage } from "../../schema/chat-completion.ts";
import type { ResponseEvent, ResponseObject } from "../../schema/response.ts";
import type { NormaliserOptions, StreamNormaliser } from "../operation.ts";
import { ownResponse } from "./backend-response.ts";
import { responseObject } from "./response-object.ts";
import type { ResponseTurn } from "./response-turn.ts";
import { chatUsage } from "./response-usage.ts";

type Loose = Readonly<Record<string, unknown>>;

/** Events that carry the response and say nothing of the answer yet. */
const openers = new Set(["response.created", "response.queued", "response.in_progress"]);

/** Events after which there is nothing more. */
const enders = new Set(["response.completed", "response.incomplete"]);

/**
 * Keeps the events of a backend that speaks the Responses protocol itself to that protocol's order: `response.created` first, one
 * end, numbers without a gap. A faultless event passes as the very text it came in.
 */
export class ResponseEventNormaliser implements StreamNormaliser<ResponseEvent> {
  hasOutput = false;
  outputCharacters = 0;
  usage: Usage | undefined;
  readonly #options: NormaliserOptions;
  readonly #turn: ResponseTurn;
  #sequence = 0;
  /** The response as the backend last told it. */
  #response: ResponseObject | undefined;
  /** Items that are whole, by their index. */
  readonly #items = new Map<unknown, Loose>();
  /** The backend's own word that it has failed. */
  #failure: Loose | undefined;
  #ended = false;

  constructor(options: NormaliserOptions, turn: ResponseTurn) {
    this.#options = options;
    this.#turn = turn;
  }

  push(frame: StreamFrame<ResponseEvent>, out: string[]): void {
    const event = frame.chunk as unknown as Loose;
    if (typeof event !== "object" || event === null || typeof event.type !== "string") {
      throw new UpstreamError({
        kind: "bad_response",
        message: "The backend's stream has an event without a type.",
      });
    }
    const { type } = event;
    if (this.#ended || this.#failure !== undefined || type === "keepalive") return;
    if (type === "error") throw errorFromObject(event);
    if (type === "response.failed") {
      // Told when the stream is over: until something of the answer is out, another target may still give one.
      this.#failure = event;
      return;
    }
    if (this.#response === undefined && !openers.has(type)) throw broken("it began without a response");
    if (type === "response.created" && this.#response !== undefined) return;
    if (openers.has(type) || enders.has(type)) return this.#whole(event, frame, out);
    this.hasOutput = true;
    if (typeof event.delta === "string") this.outputCharacters += event.delta.length;
    if (type === "response.output_item.done") this.#items.set(event.output_index, event.item as Loose);
    this.#pass(event, frame.text, out);
  }

  finish(): void {
    if (this.#failure !== undefined) {
      throw errorFromObject((this.#failure.response as Loose | undefined)?.error);
    }
    if (this.#response === undefined) throw broken("it ended without an answer");
    if (!this.#ended) throw broken("it ended in the middle of its answer");
  }

  heartbeat(): string | undefined {
    if (this.#response === undefined || this.#ended) return undefined;
    return JSON.stringify({ type: "keepalive", sequence_number: this.#sequence++ });
  }

  fail(error: ApiError): readonly string[] {
    if (this.#ended) return [];
    this.#ended = true;
    const told = (this.#failure?.response ?? undefined) as Loose | undefined;
    const made = responseObject(this.#turn, {
      status: "failed",
      model: this.#response?.model ?? this.#options.fallbackModel,
      output: [],
      error,
    });
    const output = [...this.#items.values()];
    const failed = told ?? { ...this.#response, output, status: "failed", error: made.error };
    const response = { ...made, ...failed, ...(this.#turn.store ? { id: this.#turn.id, store: true } : {}) };
    return [JSON.stringify({ type: "response.failed", sequence_number: this.#sequence++, response })];
  }

  /** An event that carries the response itself. */
  #whole(event: Loose, frame: StreamFrame<ResponseEvent>, out: string[]): void {
    const response = ownResponse(event.response, this.#turn, this.#options.forcedModel);
    this.#response = response;
    const isSame = response === event.response;
    if (enders.has(event.type as string)) {
      this.usage = chatUsage(response.usage);
      this.#turn.response = response;
      this.#ended = this.hasOutput = true;
    }
    if (isSame) this.#pass(event, frame.text, out);
    else this.#pass({ ...event, response }, undefined, out);
  }

  #pass(event: Loose, text: string | undefined, out: string[]): void {
    const number = this.#sequence++;
    if (event.sequence_number === number) out.push(text ?? JSON.stringify(event));
    else out.push(JSON.stringify({ ...event, sequence_number: number }));
  }
}

function broken(reason: string): UpstreamError {
  return new UpstreamError({ kind: "unavailable", message: `The backend broke off its answer: ${reason}.` });
}
