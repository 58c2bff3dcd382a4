import type { CompiledChain } from "../chain/compiled-step.ts";
import type { OwnProvider } from "../gateway/gateway-services.ts";
import type { Clock } from "../lib/clock.ts";
import type { ModelCaller } from "../gateway/internal-call.ts";
import type { GatewayMemory } from "../gateway/memory/gateway-memory.ts";
import type { GatewayRetrieval } from "../gateway/retrieval/gateway-retrieval.ts";
import type { ReasoningMemory } from "../gateway/reasoning/reasoning-memory.ts";
import type { EgressFetch } from "../plugin/api/host.ts";
import type { ModelLists } from "../registry/model-lists.ts";
import type { PriceBook } from "../registry/price-book.ts";
import type { TargetStates } from "../router/target-states.ts";
import type { Telemetry } from "../telemetry/telemetry.ts";
import type { Logger } from "../telemetry/logger.ts";

/** What outlives configurations and is handed to each of them. */
export interface SharedServices {
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
  readonly egress: EgressFetch;
  /** Writable folder; undefined when everything is kept in memory. */
  readonly dataDirectory: string | undefined;
  readonly states: TargetStates;
  readonly lists: ModelLists;
  readonly prices: PriceBook;
  /** Absent where no request is served. */
  readonly reasoning?: ReasoningMemory;
  /** The gateway's own providers for a configuration's chains. Absent where no request is served. */
  readonly ownProviders?: (chains: ReadonlyMap<string, CompiledChain>) => ReadonlyMap<string, OwnProvider>;
  /** Asks models on behalf of callers. Absent where no request is served. */
  readonly models?: () => ModelCaller;
  /** Absent where no request is served. */
  readonly memory?: GatewayMemory;
  /** Absent where no request is served. */
  readonly retrieval?: GatewayRetrieval;
  /** Absent where no request is served: exporters are then only checked, and not created. */
  readonly telemetry?: Telemetry;
}
