import type { Principal } from "../auth/principal.ts";
import { ApiError } from "../lib/api-error.ts";
import { timedId } from "../lib/timed-id.ts";
import type { ChatCompletion, ChatCompletionRequest } from "../schema/chat-completion.ts";
import type { Decision } from "../schema/decision.ts";
import type { EmbeddingRequest, EmbeddingResponse } from "../schema/embedding.ts";
import { complete } from "./complete.ts";
import type { AnswerStream } from "./gateway-call.ts";
import type { GatewayServices } from "./gateway-services.ts";
import type { Operation } from "./operation.ts";
import type { RequestBody } from "./request-body.ts";
import { chatOperation } from "./operations/chat.ts";
import { embeddingsOperation } from "./operations/embeddings.ts";

/** On whose behalf the gateway calls a model, and what for. */
export interface InternalContext {
  /** Whose rights, limits and budgets count. */
  readonly principal: Principal;
  readonly requestId: string;
  /** The decision record of the call that this one stands in. */
  readonly decisionId: string;
  /** How many calls that one stands in itself; 0 for a client's. */
  readonly depth: number;
  /** What for, in a word or two: `summary`, `chain step`. */
  readonly purpose: string;
  readonly signal: AbortSignal;
  /** The client's, where its trace and its hints count; none when absent. */
  readonly headers?: Headers;
  /** Gateways that the client's request has passed; 1 when absent. */
  readonly hops?: number;
  /** Personas, guardrails, memory and retrieval are for this call, too. Without it they are not. */
  readonly staged?: boolean;
  /** Told of the record that the call has left: what it used and cost. Before the answer's last piece has been handed out. */
  readonly recorded?: (decision: Decision) => void;
}

/** More calls within calls than any honest set-up needs. */
const deepest = 8;

/**
 * Calls that the gateway makes itself, on behalf of a caller, through the one pipeline: they are authorised, limited, paid for and
 * recorded as the caller's own.
 */
export class ModelCaller {
  readonly #services: GatewayServices;

  constructor(services: GatewayServices) {
    this.#services = services;
  }

  /** @throws {ApiError} as a client would be answered; 508 for calls within calls without end. */
  async chat(body: ChatCompletionRequest, context: InternalContext): Promise<ChatCompletion> {
    const { content } = await this.#call(chatOperation, { ...body, stream: false }, context);
    if ("stream" in content) throw new Error("a whole answer was asked for");
    return (content.body ?? JSON.parse(content.text!)) as ChatCompletion;
  }

  /**
   * The answer in pieces, each the JSON text of a chunk. Whoever takes them must take all or cancel.
   *
   * @throws {ApiError} when none began.
   */
  async chatStream(body: ChatCompletionRequest, context: InternalContext): Promise<AnswerStream> {
    const request = { ...body, stream: true, stream_options: { include_usage: true } };
    const { content } = await this.#call(chatOperation, request, context);
    if (!("stream" in content)) throw new Error("pieces were asked for");
    return content.stream;
  }

  /** @throws {ApiError} as a client would be answered. */
  async embed(body: EmbeddingRequest, context: InternalContext): Promise<EmbeddingResponse> {
    const { content } = await this.#call(embeddingsOperation, body, context);
    if ("stream" in content) throw new Error("embeddings are no stream");
    return (content.body ?? JSON.parse(content.text!)) as EmbeddingResponse;
  }

  #call<Body extends RequestBody>(operation: Operation<Body>, body: Body, context: InternalContext) {
    const { principal, requestId, decisionId, purpose, signal, headers, hops = 1, staged = false, recorded } =
      context;
    const depth = context.depth + 1;
    if (depth > deepest) {
      throw new ApiError({
        status: 508,
        code: "loop_detected",
        message:
          `The gateway called itself more than ${deepest} times within one request; something leads in a circle.`,
      });
    }
    signal.throwIfAborted();
    return complete(this.#services, {
      operation,
      body,
      headers: headers ?? new Headers(),
      protocolHeaders: {},
      principal,
      hops,
      requestId,
      decisionId: `dec_${timedId(this.#services.clock.now())}`,
      internal: { parent: decisionId, purpose, depth, staged, recorded },
      signal,
      arrivedAt: this.#services.clock.monotonic(),
    });
  }
}
