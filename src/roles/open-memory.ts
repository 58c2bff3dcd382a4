import { existsSync } from "node:fs";
import { join } from "node:path";
import type { LoadedSettings } from "../config/load-settings.ts";
import type { ConversationStore, MemoryModels } from "../memory/contracts.ts";
import { type Job, JobQueue } from "../memory/job-queue.ts";
import { LongTermMemory } from "../memory/long-term-memory.ts";
import { Memory } from "../memory/memory.ts";
import { MemoryAdministration } from "../memory/memory-administration.ts";
import { MemoryWorker } from "../memory/memory-worker.ts";
import { SqliteConversationStore } from "../memory/sqlite-conversation-store.ts";
import { Sweeper } from "../memory/sweeper.ts";
import type { AnyPlugin } from "../plugin/api/define-plugin.ts";
import type { VectorStore } from "../plugin/api/vector-store.ts";
import { createInstance } from "../plugin/host/create-instance.ts";
import { createPluginHost } from "../plugin/host/plugin-host.ts";
import { PluginRegistry } from "../plugin/host/plugin-registry.ts";
import type { MetricSource } from "../schema/metrics.ts";
import { openSqlite } from "../runtime/sqlite.ts";
import type { AuditedAct } from "../telemetry/audit/audit-log.ts";
import type { SharedServices } from "./shared-services.ts";

export interface MemoryWorld
  extends Pick<SharedServices, "clock" | "random" | "logger" | "egress" | "dataDirectory"> {
  readonly builtins: readonly AnyPlugin[];
  /** As they now are. */
  readonly settings: () => LoadedSettings["settings"];
  /** Where conversations are kept instead of in SQLite. */
  readonly conversations?: ConversationStore | undefined;
  readonly audit: (act: AuditedAct) => void;
  /** Models as a caller may use them; absent where nothing works in the background. */
  readonly modelsOf?: (caller: string, signal: AbortSignal) => MemoryModels | undefined;
}

export interface OpenedMemory {
  readonly memory: Memory;
  readonly administration: MemoryAdministration;
}

/** Memory that is opened when somebody first needs it: gateways that remember nothing have no files and no cost of it. */
export class MemoryRole {
  readonly #world: MemoryWorld;
  #opening: Promise<MemorySystem> | undefined;
  #waiting: (() => Readonly<Record<Job["kind"], number>>) | undefined;

  constructor(world: MemoryWorld) {
    this.#world = world;
  }

  /** @throws when what is stored cannot be read. */
  open(): Promise<OpenedMemory> {
    return this.#opening ??= openMemory(this.#world).then((opened) => {
      this.#waiting = opened.waiting;
      return opened;
    }).catch((error) => {
      // It is tried again: the next time a disk may have room again.
      this.#opening = undefined;
      throw error;
    });
  }

  /** What waits, once it is open. */
  readonly meter: MetricSource = {
    collect: (report) => {
      for (const [kind, jobs] of Object.entries(this.#waiting?.() ?? {})) {
        report("intellirouter_memory_waiting_jobs", jobs, { kind });
      }
    },
  };

  /** Whether there is something of an earlier run, which may wait to be worked at. */
  get hasFiles(): boolean {
    const { dataDirectory } = this.#world;
    return dataDirectory !== undefined && existsSync(join(dataDirectory, fileName));
  }

  async close(): Promise<void> {
    this.#waiting = undefined;
    const opening = this.#opening;
    if (opening !== undefined) await (await opening.catch(() => undefined))?.close();
  }
}

const fileName = "gateway-memory.sqlite";

interface MemorySystem extends OpenedMemory {
  waiting(): Readonly<Record<Job["kind"], number>>;
  close(): Promise<void>;
}

async function openMemory(world: MemoryWorld): Promise<MemorySystem> {
  const { clock, dataDirectory, logger, modelsOf } = world;
  const settings = () => world.settings().memory;
  const path = dataDirectory === undefined ? ":memory:" : join(dataDirectory, fileName);
  const jobs = new JobQueue(openSqlite(path), clock);
  const conversations = world.conversations ??
    new SqliteConversationStore(openSqlite(path), clock);
  const longTerm = new LongTermMemory(await openVectors(world), clock);
  const onError = (message: string, error: unknown) => logger.warn(message, { error: reasonOf(error) });
  let worker: MemoryWorker | undefined;
  const memory = new Memory({
    clock,
    conversations,
    longTerm,
    jobs,
    settings,
    onJob: () => worker?.wake(),
    onError,
  });
  let sweeper: Sweeper | undefined;
  if (modelsOf !== undefined) {
    const plan = memory.plan.bind(memory);
    worker = new MemoryWorker({ clock, conversations, longTerm, jobs, settings, modelsOf, plan, onError });
    worker.wake();
    sweeper = new Sweeper({ clock, conversations, longTerm, settings, onError });
  }
  return {
    memory,
    administration: new MemoryAdministration(memory, longTerm, jobs, world.audit),
    waiting: () => ({
      append: jobs.count("append"),
      condense: jobs.count("condense"),
      learn: jobs.count("learn"),
    }),
    async close() {
      sweeper?.close();
      await worker?.close();
      await longTerm.close();
      conversations.close();
      jobs.close();
    },
  };
}

/** Chroma keeps nothing without a vector, so without an embedding model there is no use of it. */
async function openVectors(world: MemoryWorld): Promise<VectorStore> {
  const { builtins } = world;
  const { chromadb, memory, downloads } = world.settings();
  const isChroma = chromadb !== undefined && memory.embedding_model !== undefined;
  const plugin = new PluginRegistry(builtins).find("vector-store", isChroma ? "chroma" : "sqlite");
  const options = isChroma ? { host: chromadb.host, port: chromadb.port } : {};
  return await createInstance(plugin, options, createPluginHost({ ...world, downloads }, "memory"));
}

function reasonOf(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}
