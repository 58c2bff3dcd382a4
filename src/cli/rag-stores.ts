import { ApiError } from "../lib/api-error.ts";
import type { Retrieval } from "../rag/retrieval.ts";
import type { StoreRecord } from "../rag/store-catalog.ts";
import type { StoreFileRecord } from "../rag/store-files.ts";
import { type CommandGateway, openCommandGateway, openCommandRetrieval } from "../roles/command-retrieval.ts";
import { type CommandContext, CommandFailure } from "./command-context.ts";
import { type GlobalOptions, load } from "./global-options.ts";

/** What every command of `rag` is told. */
export interface RagOptions extends GlobalOptions {
  readonly tenant: string;
  readonly store: string;
}

export function findStore(
  { vectorStores }: Retrieval,
  { tenant, store }: RagOptions,
): StoreRecord | undefined {
  try {
    return vectorStores.get(tenant, store);
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return undefined;
    throw error;
  }
}

export function requireStore(retrieval: Retrieval, options: RagOptions): StoreRecord {
  const store = findStore(retrieval, options);
  if (store !== undefined) return store;
  const names = allStores(retrieval, options.tenant).map(({ name }) => name).join(", ");
  throw new CommandFailure(
    1,
    `there is no vector store "${options.store}"${names === "" ? "" : `; there are: ${names}`}`,
  );
}

export function allStores({ vectorStores }: Retrieval, tenant: string): StoreRecord[] {
  const stores: StoreRecord[] = [];
  let after: string | undefined;
  for (;;) {
    const { items, hasMore } = vectorStores.list(tenant, { limit: 100, order: "asc", after });
    stores.push(...items);
    after = items.at(-1)?.id;
    if (!hasMore || after === undefined) return stores;
  }
}

/** Every file of a store, oldest first. */
export function* allFiles(
  { vectorStores }: Retrieval,
  { tenant, id }: StoreRecord,
): Generator<StoreFileRecord> {
  let after: string | undefined;
  for (;;) {
    const { items, hasMore } = vectorStores.listFiles(tenant, id, { limit: 100, order: "asc", after });
    yield* items;
    after = items.at(-1)?.fileId;
    if (!hasMore || after === undefined) return;
  }
}

/** One line that is written over again and again; on something that is no terminal, nothing. */
export function progressLine({ stderr, stderrIsTerminal }: CommandContext, { json }: GlobalOptions) {
  const isShown = stderrIsTerminal && !json;
  return {
    show: (text: string) => {
      if (isShown) stderr(`\r\u001b[K${text}`);
    },
    end: () => {
      if (isShown) stderr("\r\u001b[K");
    },
  };
}

export function print(
  context: CommandContext,
  { json }: GlobalOptions,
  value: unknown,
  text: () => string,
): void {
  context.stdout(json ? `${JSON.stringify(value)}\n` : text());
}

export async function withStores(
  context: CommandContext,
  options: GlobalOptions,
  work: (retrieval: Retrieval) => void | Promise<void>,
): Promise<void> {
  const opened = openCommandRetrieval(await load(context, options), options.dataDir, context);
  try {
    await work(opened.retrieval);
  } finally {
    await opened.close();
  }
}

export async function withGateway(
  context: CommandContext,
  options: GlobalOptions,
  work: (gateway: CommandGateway, settings: Awaited<ReturnType<typeof load>>["settings"]) => Promise<void>,
): Promise<void> {
  const loaded = await load(context, options);
  const gateway = await openCommandGateway(loaded, options.dataDir, context);
  try {
    await work(gateway, loaded.settings);
  } finally {
    await gateway.close();
  }
}
