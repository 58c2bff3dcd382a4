/** What is known of a record beside its text; compared as it is. */
export type VectorAttributes = Readonly<Record<string, string | number>>;

/** Numbers that stand for a text. Those of different spaces have nothing to do with each other. */
export interface TextVector {
  /** What made it: the embedding model's name. */
  readonly space: string;
  readonly values: Float32Array;
}

export interface VectorRecord {
  /** Unique within its partition; at most 256 characters. */
  readonly id: string;
  readonly text: string;
  readonly vector?: TextVector;
  readonly attributes: VectorAttributes;
}

export interface VectorMatch extends VectorRecord {
  /** From 0 to 1, and more is nearer: the cosine of vectors; of words, the share of the best match's score. */
  readonly similarity: number;
}

/** Each named attribute has this very value, or one of these; an absent or empty filter restricts nothing, an empty list everything. */
export type VectorFilter = Readonly<Record<string, string | number | readonly (string | number)[]>>;

export interface VectorQuery {
  /** Only records with a vector of the same space and length are near. */
  readonly vector?: TextVector;
  /** Without a vector: the words of this text are looked for. */
  readonly text?: string;
  readonly where?: VectorFilter;
  readonly limit: number;
}

export interface VectorPage {
  /** In ascending order of their ids. */
  readonly records: readonly VectorRecord[];
  /** Give this to `list` for the next page; undefined on the last. */
  readonly cursor: string | undefined;
}

/**
 * Texts that are found again by what they mean. A partition's records are invisible to every other: the partition is chosen before
 * anything is compared. No call waits without bound.
 *
 * Errors of an engine reject with whatever the engine says; the caller decides what becomes of it.
 */
export interface VectorStore {
  /** It finds texts by their words where a query has no vector, and keeps records that have none. */
  readonly searchesText: boolean;
  /** Writes records, in the place of those of the same ids. @throws TypeError for a record without a vector where it needs one. */
  upsert(partition: string, records: readonly VectorRecord[]): Promise<void>;
  /** The nearest records, best first; those of the same similarity in order of their ids. */
  query(partition: string, query: VectorQuery): Promise<readonly VectorMatch[]>;
  /** Deletes the records that are named and match; all of the partition where neither is given. Gives how many. */
  delete(
    partition: string,
    which?: { readonly ids?: readonly string[]; readonly where?: VectorFilter },
  ): Promise<number>;
  /** `limit` defaults to 100, at most 1000. */
  list(
    partition: string,
    options?: { readonly where?: VectorFilter; readonly cursor?: string; readonly limit?: number },
  ): Promise<VectorPage>;
  /** The names of all partitions that hold something. */
  partitions(): Promise<readonly string[]>;
  close?(): void | Promise<void>;
}
