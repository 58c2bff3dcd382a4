import type { LimitState } from "../auth/limits/rate-usage.ts";
import type { Principal } from "../auth/principal.ts";
import type { Decision, Loss } from "../schema/decision.ts";
import type { Operation } from "./operation.ts";
import type { RequestBody } from "./request-body.ts";

/** One request on its way through the gateway. Passed as an argument everywhere: streams lose async context. */
export interface GatewayCall<Body extends RequestBody = RequestBody> {
  readonly operation: Operation<Body>;
  /** The request as the client sent it; never changed. */
  readonly body: Body;
  /** What the client wrote, which `body` is, unless something has been put in its place. */
  readonly written?: WrittenBody<Body>;
  readonly headers: Headers;
  /** Those of them that a backend of the same protocol needs. */
  readonly protocolHeaders: Readonly<Record<string, string>>;
  readonly principal: Principal;
  /** Gateways that the request has passed, this one included. */
  readonly hops: number;
  readonly requestId: string;
  /** Names the decision record that this request leaves. */
  readonly decisionId: string;
  /** Absent for a client's own call. */
  readonly internal?: InternalCall;
  /** Aborts when the client has left. */
  readonly signal: AbortSignal;
  /** Arrival on the monotonic clock, in milliseconds. */
  readonly arrivedAt: number;
}

/** A call that the gateway makes itself, on behalf of a client's. */
export interface InternalCall {
  /** The decision record of the call that it stands in. */
  readonly parent: string;
  /** What it is for, in a word or two: `summary`, `chain step`. */
  readonly purpose: string;
  /** How many calls it stands in; 1 for one that a client's call makes. */
  readonly depth: number;
  /** Stages are for it, too. */
  readonly staged: boolean;
  /** Told of the record that it has left. */
  readonly recorded?: ((decision: Decision) => void) | undefined;
}

/** A request and the very text that it was read from. */
export interface WrittenBody<Body extends RequestBody = RequestBody> {
  readonly body: Body;
  readonly text: string;
}

/** What the client gets. */
export interface GatewayAnswer {
  /** `provider/model` that served. */
  readonly target: string;
  /** The whole answer, or the pieces of one. */
  readonly content:
    | { readonly body: unknown; readonly text?: string | undefined }
    | { readonly stream: AnswerStream };
  /** What the translation to that target lost, as far as it is known when the answer begins. */
  readonly losses: readonly Loss[];
  /** The caller's limits as they stand. */
  readonly limits: LimitStates;
  /** Whether it was kept from before; absent where nothing is kept. */
  readonly cache?: "hit" | "miss" | undefined;
}

/** Of all limits that count for a caller, those of which the least is left. */
export interface LimitStates {
  readonly requests: LimitState | undefined;
  readonly tokens: LimitState | undefined;
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
