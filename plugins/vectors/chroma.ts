import { definePlugin } from "intellirouter/plugin";
import type {
  VectorFilter,
  VectorMatch,
  VectorPage,
  VectorQuery,
  VectorRecord,
  VectorStore,
} from "intellirouter/plugin";
import type { ChromaClient, Collection, Where } from "chromadb";
import { createHash } from "node:crypto";
import { z } from "zod";

interface Options {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
  readonly timeout_ms: number;
  readonly prefix: string;
}

/** Collections that are asked for at once. */
const collectionsPerPage = 100;
/** No name that a record's own attribute may have. */
const ownAttribute = "intellirouter:record";

/**
 * Records in a Chroma server. Each partition has a collection of its own for every embedding model and length of vector, so that
 * neither another tenant's records nor another model's vectors are ever compared.
 */
class ChromaVectorStore implements VectorStore {
  readonly searchesText = false;
  readonly #client: ChromaClient;
  readonly #options: Options;

  constructor(client: ChromaClient, options: Options) {
    this.#client = client;
    this.#options = options;
  }

  async upsert(partition: string, records: readonly VectorRecord[]): Promise<void> {
    const groups = new Map<string, (VectorRecord & { readonly vector: object })[]>();
    for (const record of records) {
      const { vector } = record;
      if (vector === undefined) throw new TypeError("Chroma keeps no record without a vector");
      const name = this.#nameOf(partition, vector.space, vector.values.length);
      groups.set(name, [...groups.get(name) ?? [], { ...record, vector }]);
    }
    for (const [name, group] of groups) {
      const { space } = group[0]!.vector as { readonly space: string };
      const collection = await this.#bounded(() =>
        this.#client.getOrCreateCollection({
          name,
          embeddingFunction: null,
          configuration: { hnsw: { space: "cosine" } },
          metadata: { owner: "intellirouter", prefix: this.#options.prefix, partition, space },
        })
      );
      await this.#bounded(() =>
        collection.upsert({
          ids: group.map(({ id }) => id),
          documents: group.map(({ text }) => text),
          embeddings: group.map(({ vector }) => [...(vector as { readonly values: Float32Array }).values]),
          // The server takes no record that nothing is known of.
          metadatas: group.map(({ attributes }) => ({ ...attributes, [ownAttribute]: 1 })),
        })
      );
      // A record that is written anew with another model's vector must not be there twice.
      for (const other of await this.#collections(partition)) {
        if (other.name === name) continue;
        await this.#bounded(() => other.delete({ ids: group.map(({ id }) => id) }));
      }
    }
  }

  async query(partition: string, { vector, where, limit }: VectorQuery): Promise<readonly VectorMatch[]> {
    if (vector === undefined || admitsNothing(where)) return [];
    const name = this.#nameOf(partition, vector.space, vector.values.length);
    const collection = await this.#collection(name);
    if (collection === undefined) return [];
    const found = await this.#bounded(() =>
      collection.query({
        queryEmbeddings: [[...vector.values]],
        nResults: limit,
        ...restriction(where),
        include: ["documents", "metadatas", "distances"],
      })
    );
    const [ids = [], texts = [], attributes = [], distances = []] = [
      found.ids[0],
      found.documents[0],
      found.metadatas[0],
      found.distances?.[0],
    ];
    return ids.map((id, index) => ({
      id,
      text: texts[index] ?? "",
      attributes: attributesOf(attributes[index]),
      similarity: Math.min(1, Math.max(0, 1 - (distances[index] ?? 1))),
    })).sort((one, other) => other.similarity - one.similarity || (one.id < other.id ? -1 : 1));
  }

  async delete(
    partition: string,
    { ids, where }: { ids?: readonly string[]; where?: VectorFilter } = {},
  ): Promise<number> {
    let deleted = 0;
    if (ids?.length === 0 || admitsNothing(where)) return 0;
    for (const collection of await this.#collections(partition)) {
      const which = { ...(ids === undefined ? {} : { ids: [...ids] }), ...restriction(where) };
      const { ids: found } = await this.#bounded(() => collection.get({ ...which, include: [] }));
      deleted += found.length;
      if (ids === undefined && where === undefined) {
        await this.#bounded(() => this.#client.deleteCollection({ name: collection.name }));
      } else if (found.length > 0) await this.#bounded(() => collection.delete({ ids: found }));
    }
    return deleted;
  }

  async list(
    partition: string,
    { where, cursor = "", limit = 100 }: { where?: VectorFilter; cursor?: string; limit?: number } = {},
  ): Promise<VectorPage> {
    const most = Math.min(limit, 1000);
    if (admitsNothing(where)) return { records: [], cursor: undefined };
    const records: VectorRecord[] = [];
    for (const collection of await this.#collections(partition)) {
      const { ids, documents, metadatas } = await this.#bounded(() =>
        collection.get({ ...restriction(where), include: ["documents", "metadatas"] })
      );
      ids.forEach((id, index) => {
        if (id <= cursor) return;
        records.push({ id, text: documents[index] ?? "", attributes: attributesOf(metadatas[index]) });
      });
    }
    records.sort((one, other) => one.id < other.id ? -1 : 1);
    const page = records.slice(0, most);
    return { records: page, cursor: records.length > most ? page.at(-1)?.id : undefined };
  }

  async partitions(): Promise<readonly string[]> {
    const names = new Set<string>();
    for (let offset = 0;; offset += collectionsPerPage) {
      const collections = await this.#bounded(() =>
        this.#client.listCollections({ limit: collectionsPerPage, offset })
      );
      for (const { metadata } of collections) {
        if (metadata?.owner !== "intellirouter" || metadata.prefix !== this.#options.prefix) continue;
        if (typeof metadata.partition === "string") names.add(metadata.partition);
      }
      if (collections.length < collectionsPerPage) return [...names].sort();
    }
  }

  async #collection(name: string): Promise<Collection | undefined> {
    try {
      return await this.#bounded(() => this.#client.getCollection({ name }));
    } catch (error) {
      if ((error as Error).name === "ChromaNotFoundError") return undefined;
      throw error;
    }
  }

  async #collections(partition: string): Promise<Collection[]> {
    const beginning = `${this.#options.prefix}-${hash(partition, 24)}-`;
    const found: Collection[] = [];
    for (let offset = 0;; offset += collectionsPerPage) {
      const collections = await this.#bounded(() =>
        this.#client.listCollections({ limit: collectionsPerPage, offset })
      );
      found.push(...collections.filter(({ name }) => name.startsWith(beginning)));
      if (collections.length < collectionsPerPage) return found;
    }
  }

  #nameOf(partition: string, space: string, length: number): string {
    return `${this.#options.prefix}-${hash(partition, 24)}-${hash(space, 12)}-${length}`;
  }

  /** The client itself would wait for ever for a server that is frozen. */
  async #bounded<Value>(work: () => Promise<Value>): Promise<Value> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const { timeout_ms: limit } = this.#options;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`Chroma did not answer within ${limit} ms`)), limit);
    });
    try {
      return await Promise.race([work(), late]);
    } finally {
      clearTimeout(timer);
    }
  }
}

/** The server takes no empty list. */
function admitsNothing(where: VectorFilter | undefined): boolean {
  return Object.values(where ?? {}).some((value) => typeof value === "object" && value.length === 0);
}

/** Values are compared and never read as operators: a filter from outside cannot become another one. */
function restriction(where: VectorFilter | undefined): { where?: Where } {
  const conditions = Object.entries(where ?? {}).map(([name, value]) => {
    if (!/^[a-z_]{1,64}$/.test(name)) {
      throw new TypeError(`An attribute's name is lower-case letters, not "${name}"`);
    }
    return { [name]: typeof value === "object" ? { $in: [...value] } : { $eq: value } };
  });
  if (conditions.length === 0) return {};
  return { where: (conditions.length === 1 ? conditions[0] : { $and: conditions }) as Where };
}

function attributesOf(metadata: unknown): Record<string, string | number> {
  return Object.fromEntries(
    Object.entries((metadata ?? {}) as Record<string, unknown>).filter(
      (entry): entry is [string, string | number] =>
        entry[0] !== ownAttribute && (typeof entry[1] === "string" || typeof entry[1] === "number"),
    ),
  );
}

function hash(text: string, length: number): string {
  return createHash("sha256").update(text).digest("hex").slice(0, length);
}

export default definePlugin({
  apiVersion: 1,
  kind: "vector-store",
  name: "chroma",
  description: "Keeps texts and vectors in a Chroma server, which many gateways can share.",
  options: z.strictObject({
    host: z.string().min(1).default("localhost").describe("Host of the server."),
    port: z.number().int().min(1).max(65_535).default(8001).describe("Port of the server."),
    tls: z.boolean().default(false).describe("Encrypt the connection."),
    timeout_ms: z.number().int().min(1).max(60_000).default(2_000).describe(
      "Longest wait for one answer of the server, in milliseconds.",
    ),
    prefix: z.string().regex(/^[a-z][a-z0-9-]{0,31}$/).default("intellirouter").describe(
      "Begins the name of every collection.",
    ),
  }),
  async create(options) {
    // Few gateways need it.
    const { ChromaClient } = await import("chromadb");
    const { host, port, tls } = options;
    return new ChromaVectorStore(new ChromaClient({ host, port, ssl: tls }), options);
  },
});
