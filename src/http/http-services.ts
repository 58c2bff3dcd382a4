import type { CompiledChain } from "../chain/compiled-step.ts";
import type { ChainRunStore } from "../chain/run-store.ts";
import type { AccountBook } from "../auth/accounts/account-book.ts";
import type { AccountManager } from "../auth/accounts/account-manager.ts";
import type { Limiter } from "../auth/limits/limiter.ts";
import type { AuditLog } from "../telemetry/audit/audit-log.ts";
import type { UsageDatabase } from "../telemetry/ledger/usage-database.ts";
import type { AccessControl } from "../auth/access-control.ts";
import type { ChatFeature, Fidelity } from "../plugin/api/fidelity.ts";
import type { GatewayServices } from "../gateway/gateway-services.ts";
import type { GatewayRetrieval } from "../gateway/retrieval/gateway-retrieval.ts";
import type { Memory } from "../memory/memory.ts";
import type { MemoryAdministration } from "../memory/memory-administration.ts";
import type { Logger } from "../telemetry/logger.ts";
import type { Decision } from "../schema/decision.ts";
import type { ReadLimits } from "./read-json.ts";

/** One model of `GET /v1/models`. OpenAI's four fields come first; the rest is ours. */
export interface ListedModel {
  readonly id: string;
  readonly object: "model";
  /** Seconds since the epoch. */
  readonly created: number;
  readonly owned_by: string;
  readonly [field: string]: unknown;
}

/** One name of `GET /v1/capabilities`, and the targets that may serve it. */
export interface ListedCapabilities {
  readonly id: string;
  readonly targets: readonly {
    readonly target: string;
    /** Endpoint → whether the backend speaks it itself or is asked in another protocol. */
    readonly endpoints: Readonly<Record<string, "native" | "translated">>;
    readonly features: Readonly<Record<ChatFeature, Fidelity>>;
  }[];
}

/** What the HTTP surface needs of the rest of the gateway. */
export interface HttpServices {
  readonly gateway: GatewayServices;
  readonly logger: Logger;
  readonly access: () => AccessControl;
  readonly accounts: { readonly book: AccountBook; readonly manager: AccountManager };
  readonly limiter: Pick<Limiter, "standing">;
  readonly usage: Pick<UsageDatabase, "sums" | "records" | "reconcile">;
  /** Books what the usage database does not have yet. */
  readonly flushUsage: () => void;
  /** Only what the caller may use. */
  readonly listModels: (mayUse: (target: string) => boolean) => readonly ListedModel[];
  /** What survives on the way to each of them; only what the caller may use. */
  readonly listCapabilities: (mayUse: (target: string) => boolean) => readonly ListedCapabilities[];
  readonly decisions: {
    get(id: string): Decision | undefined;
    list(query: {
      limit: number;
      before?: string | undefined;
      model?: string | undefined;
      target?: string | undefined;
      outcome?: string | undefined;
      principal?: string | undefined;
      team?: string | undefined;
    }): readonly Decision[];
  };
  /** Those of the configuration, by their names. */
  readonly chains: () => ReadonlyMap<string, CompiledChain>;
  readonly chainRuns: Pick<ChainRunStore, "view" | "list">;
  /** The metrics for whoever reads them; undefined when there is no form for them. */
  readonly scrape: () => { readonly contentType: string; readonly body: string } | undefined;
  /** Opens the memory, the first time. @throws when what is stored cannot be read. */
  readonly memory: () => Promise<{ readonly memory: Memory; readonly administration: MemoryAdministration }>;
  readonly retrieval: GatewayRetrieval;
  readonly auditLog: Pick<AuditLog, "list">;
  /** Told of an error status of a request that left no decision record. */
  readonly onRefused: (status: number) => void;
  /** False from the announcement of a shutdown on, and until the first configuration is in place. */
  readonly ready: () => boolean;
  /** Counts a running inference request; undefined when there are already as many as may be. */
  readonly admit: () => (() => void) | undefined;
  /** The body of a response whose texts are asked for one by one; how to make it cheaply depends on the runtime. */
  readonly streamBody: (pieces: AsyncIterableIterator<string | Uint8Array>) => BodyInit;
  readonly version: string;
}

/** The settings of the HTTP surface; a reload makes a new app with new ones. */
export interface HttpSettings extends ReadLimits {
  /** Lower-case host names; empty allows all. */
  readonly allowedHosts: ReadonlySet<string>;
  /** Where a request comes from, by the address of its connection and what trusted proxies say. */
  readonly clientAddress: (remoteAddress: string | undefined, headers: Headers) => string | undefined;
  readonly corsOrigins: readonly string[];
  readonly corsMaxAgeSeconds: number;
  readonly accessLog: boolean;
  readonly logPrompts: boolean;
}
