import type { Limiter } from "../auth/limits/limiter.ts";
import type { Clock } from "../lib/clock.ts";
import type { Provider } from "../plugin/api/provider.ts";
import type { Router } from "../router/router.ts";
import type { Decision } from "../schema/decision.ts";
import type { UsageLedger } from "../telemetry/ledger/usage-ledger.ts";
import type { Tracer } from "../telemetry/tracing/tracer.ts";
import type { GatewayCall } from "./gateway-call.ts";
import type { ResponseCache } from "./cache/response-cache.ts";
import type { GatewayMemory } from "./memory/gateway-memory.ts";
import type { GatewayRetrieval } from "./retrieval/gateway-retrieval.ts";
import type { ResponseStore } from "./responses/response-store.ts";
import type { Stage, StageNote } from "./stages/stage.ts";

/** Makes a provider for one call. @param note tells the call's record what was done. */
export type OwnProvider = (call: GatewayCall, note: (note: StageNote) => void) => Provider;

/**
 * What one generation of the configuration consists of. A request works with the generation it started in; a replaced
 * one is closed when its last request has ended.
 */
export interface Generation {
  readonly router: Router;
  readonly providers: ReadonlyMap<string, Provider>;
  /** Models of the gateway's own, such as chains, which must know on whose behalf they are asked. */
  readonly ownProviders: ReadonlyMap<string, OwnProvider>;
  /** What happens to requests on their way, in this order. */
  readonly stages: readonly Stage[];
  /** Characters that nobody sees are taken out of answers. */
  readonly cleansesAnswers: boolean;
  /** Answers name the model that the client asked for, instead of the one that ran. */
  readonly echoRequestedModel: boolean;
  /** Longest silence in a stream before a heartbeat, in milliseconds; 0 is none. */
  readonly heartbeatMs: number;
  /** Hash of the routing part of the configuration. */
  readonly policyHash: string;
}

/** Everything around the pipeline that outlives configurations. */
export interface GatewayServices {
  readonly clock: Clock;
  /** The current generation, held until `release` is called exactly once. */
  acquire(): { readonly generation: Generation; release(): void };
  /** Takes the record of a finished request. Must neither throw nor wait. */
  record(decision: Decision): void;
  /** Answers that routes keep. */
  readonly cache: {
    readonly store: ResponseCache;
    /** The largest answer that is kept. */
    readonly maxAnswerBytes: number;
  };
  /** Limits and budgets. */
  readonly limiter: Pick<Limiter, "admit">;
  /** What is written ahead of a request. */
  readonly ledger: Pick<UsageLedger, "begin">;
  /** Which trace a request belongs to. */
  readonly traces: Pick<Tracer, "begin">;
  /** What clients of the Responses protocol go on from. */
  readonly responses: ResponseStore;
  /** Absent where nothing is remembered. */
  readonly memory?: GatewayMemory;
  /** Absent where nothing can be searched. */
  readonly retrieval?: GatewayRetrieval;
  /** Told of a plugin that broke its contract; must not throw. */
  readonly onPluginError: (where: string, error: unknown) => void;
  /** Aborts when the gateway must end at once: streams that still run are told so and end. */
  readonly stopping: AbortSignal;
}
