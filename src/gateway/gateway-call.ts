import type { Principal } from "../auth/principal.ts";
import type { Operation, RequestBody } from "./operation.ts";

/** One request on its way through the gateway. Passed as an argument everywhere: streams lose async context. */
export interface GatewayCall<Body extends RequestBody = RequestBody, Whole = unknown, Chunk = unknown> {
  readonly operation: Operation<Body, Whole, Chunk>;
  /** The request as the client sent it; never changed. */
  readonly body: Body;
  readonly headers: Headers;
  readonly principal: Principal;
  readonly requestId: string;
  /** Names the decision record that this request leaves. */
  readonly decisionId: string;
  /** Aborts when the client has left. */
  readonly signal: AbortSignal;
  /** Arrival on the monotonic clock, in milliseconds. */
  readonly arrivedAt: number;
}

/** What the client gets. */
export interface GatewayAnswer {
  /** `provider/model` that served. */
  readonly target: string;
  /** The whole answer, or the pieces of one. */
  readonly content: { readonly body: unknown } | { readonly stream: AnswerStream };
}

/** The pieces of an answer, each the JSON text of one event. */
export interface AnswerStream {
  /**
   * The next pieces in order, a sign of life among them where the backend is silent for long; undefined at the end. When the
   * backend breaks off, the last piece says so. Never rejects.
   */
  next(): Promise<readonly string[] | undefined>;
  /** The client has left: the backend's call is aborted. Safe to call at any time, more than once. */
  cancel(): void;
}
