import type { ApiError } from "../../lib/api-error.ts";
import type { StreamFrame } from "../../plugin/api/provider.ts";
import type { ChatCompletionChunk, Usage } from "../../schema/chat-completion.ts";
import { ChatChunkNormaliser } from "../normalise/chat-chunk-normaliser.ts";
import type { NormaliserOptions, StreamNormaliser } from "../operation.ts";
import { incompleteReason, responseObject, type ResponseState } from "./response-object.ts";
import { ResponseOutput } from "./response-output.ts";
import type { ResponseTurn } from "./response-turn.ts";

/**
 * A chat answer in pieces as the events of the Responses protocol, each with its number: the response begins, every item is added,
 * told in deltas and then whole, and the last event has all of it once more.
 */
export class ResponseEventEncoder implements StreamNormaliser<ChatCompletionChunk> {
  readonly #normaliser: ChatChunkNormaliser;
  readonly #turn: ResponseTurn;
  readonly #output: ResponseOutput;
  #sequence = 0;
  /** Where events go at the moment. */
  #out: string[] = [];
  #phase: "before" | "open" | "ended" = "before";
  #model: string;
  #serviceTier: unknown;
  #finishReason: string | undefined;

  constructor(options: NormaliserOptions, turn: ResponseTurn) {
    this.#normaliser = new ChatChunkNormaliser(options);
    this.#turn = turn;
    this.#model = options.forcedModel ?? options.fallbackModel;
    this.#output = new ResponseOutput(turn, (type, fields) => this.#event(type, fields));
  }

  get hasOutput(): boolean {
    return this.#normaliser.hasOutput;
  }

  get usage(): Usage | undefined {
    return this.#normaliser.usage;
  }

  get outputCharacters(): number {
    return this.#normaliser.outputCharacters;
  }

  push(frame: StreamFrame<ChatCompletionChunk>, out: string[]): void {
    const chunk = this.#normaliser.check(frame)?.chunk;
    if (chunk === undefined) return;
    this.#out = out;
    if (this.#phase === "before") this.#begin(chunk);
    this.#serviceTier = chunk.service_tier ?? this.#serviceTier;
    for (const choice of chunk.choices) {
      if (choice.index !== 0) continue;
      this.#output.add(choice.delta, choice.logprobs);
      this.#finishReason = choice.finish_reason ?? this.#finishReason;
    }
  }

  finish(out: string[]): void {
    this.#normaliser.checkEnd();
    this.#out = out;
    const incomplete = incompleteReason(this.#finishReason);
    this.#output.end(incomplete !== undefined);
    const status = incomplete === undefined ? "completed" : "incomplete";
    const response = this.#response({ status, incomplete });
    this.#event(`response.${status}`, { response });
    this.#phase = "ended";
    this.#turn.response = response;
  }

  heartbeat(): string | undefined {
    if (this.#phase !== "open") return undefined;
    const out: string[] = this.#out = [];
    this.#output.sayNothing();
    return out[0];
  }

  fail(error: ApiError): readonly string[] {
    if (this.#phase === "ended") return [];
    this.#phase = "ended";
    const out: string[] = this.#out = [];
    this.#event("response.failed", { response: this.#response({ status: "failed", error }) });
    return out;
  }

  #begin(chunk: ChatCompletionChunk): void {
    this.#phase = "open";
    this.#model = chunk.model;
    this.#serviceTier = chunk.service_tier;
    const response = this.#response({ status: "in_progress" });
    this.#event("response.created", { response });
    this.#event("response.in_progress", { response });
  }

  #response(state: Pick<ResponseState, "status" | "incomplete" | "error">) {
    const isOver = state.status !== "in_progress";
    return responseObject(this.#turn, {
      ...state,
      model: this.#model,
      output: this.#output.items(),
      usage: isOver ? this.#normaliser.usage : undefined,
      serviceTier: this.#serviceTier,
    });
  }

  #event(type: string, fields: Readonly<Record<string, unknown>>): void {
    this.#out.push(JSON.stringify({ type, sequence_number: this.#sequence++, ...fields }));
  }
}
