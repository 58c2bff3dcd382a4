import { existsSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { LoadedSettings } from "../config/load-settings.ts";
import type { AnyPlugin } from "../plugin/api/define-plugin.ts";
import type { VectorStore } from "../plugin/api/vector-store.ts";
import { createInstance } from "../plugin/host/create-instance.ts";
import { createPluginHost } from "../plugin/host/plugin-host.ts";
import { PluginRegistry } from "../plugin/host/plugin-registry.ts";
import type { IndexFiles } from "../rag/chunk-indexes.ts";
import type { RetrievalCaller } from "../rag/contracts.ts";
import type { DocumentReader } from "../rag/document-reader.ts";
import { FolderVault, MemoryVault } from "../rag/file-vault.ts";
import { Retrieval } from "../rag/retrieval.ts";
import { openSqlite } from "../runtime/sqlite.ts";
import type { MetricSource } from "../schema/metrics.ts";
import type { SharedServices } from "./shared-services.ts";

export interface RetrievalWorld
  extends Pick<SharedServices, "clock" | "random" | "logger" | "egress" | "dataDirectory"> {
  readonly builtins: readonly AnyPlugin[];
  /** As they now are. */
  readonly settings: () => LoadedSettings["settings"];
  /** Models as a caller may use them; absent where files are not read. */
  readonly callerOf?: (caller: string) => RetrievalCaller | undefined;
}

const fileName = "gateway-retrieval.sqlite";
/** Without a data directory files are in memory: of all together no more than this, in bytes. */
const memoryFiles = 268_435_456;

/** Retrieval that is opened when somebody first needs it: gateways without files have no cost of it. */
export class RetrievalRole {
  readonly #world: RetrievalWorld;
  #opened: Retrieval | undefined;

  constructor(world: RetrievalWorld) {
    this.#world = world;
  }

  /** @throws when what is stored cannot be read. */
  open(): Retrieval {
    return this.#opened ??= openRetrieval(this.#world);
  }

  /** What waits, once it is open. */
  readonly meter: MetricSource = {
    collect: (report) => {
      if (this.#opened !== undefined) {
        report("intellirouter_retrieval_waiting_files", this.#opened.waiting(), {});
      }
    },
  };

  /** Whether there is something of an earlier run, which may wait to be read. */
  get hasFiles(): boolean {
    const { dataDirectory } = this.#world;
    return dataDirectory !== undefined && existsSync(join(dataDirectory, fileName));
  }

  async close(): Promise<void> {
    await this.#opened?.close();
    this.#opened = undefined;
  }
}

function openRetrieval(world: RetrievalWorld): Retrieval {
  const { clock, dataDirectory, logger, callerOf } = world;
  return new Retrieval({
    clock,
    database: openSqlite(dataDirectory === undefined ? ":memory:" : join(dataDirectory, fileName)),
    vault: dataDirectory === undefined
      ? new MemoryVault(memoryFiles)
      : new FolderVault(join(dataDirectory, "files")),
    indexes: dataDirectory === undefined
      ? memoryIndexes
      : folderIndexes(join(dataDirectory, "vector-stores")),
    openVectors: () => openVectors(world),
    openReader: () => openReader(),
    settings: () => world.settings().retrieval,
    callerOf: callerOf ?? (() => undefined),
    reads: callerOf !== undefined,
    onError: (message, error) => logger.warn(message, { error: reasonOf(error) }),
  });
}

const memoryIndexes: IndexFiles = {
  isDurable: false,
  open: () => openSqlite(":memory:"),
  remove: () => {},
};

function folderIndexes(folder: string): IndexFiles {
  const pathOf = (storeId: string) => join(folder, `${storeId}.sqlite`);
  return {
    isDurable: true,
    open(storeId) {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      return openSqlite(pathOf(storeId));
    },
    remove(storeId) {
      for (const end of ["", "-wal", "-shm"]) rmSync(`${pathOf(storeId)}${end}`, { force: true });
    },
  };
}

async function openReader(): Promise<DocumentReader> {
  const { PlainTextReader } = await import("../rag/plain-text-reader.ts");
  return new PlainTextReader();
}

/** Chroma keeps vectors only; the texts and their index of words stay here. */
async function openVectors(world: RetrievalWorld): Promise<VectorStore> {
  const { chromadb, downloads, retrieval } = world.settings();
  const plugin = new PluginRegistry(world.builtins).find(
    "vector-store",
    chromadb === undefined ? "sqlite" : "chroma",
  );
  const options = chromadb === undefined ? {} : {
    host: chromadb.host,
    port: chromadb.port,
    prefix: "intellirouter-rag",
    timeout_ms: retrieval.search_timeout_ms,
  };
  return await createInstance(plugin, options, createPluginHost({ ...world, downloads }, "retrieval"));
}

function reasonOf(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}
