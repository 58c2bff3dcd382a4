import { definePlugin } from "intellirouter/plugin";
import type {
  Database,
  TextVector,
  VectorFilter,
  VectorMatch,
  VectorPage,
  VectorQuery,
  VectorRecord,
  VectorStore,
} from "intellirouter/plugin";
import { LRUCache } from "lru-cache";
import { createHash } from "node:crypto";
import { setImmediate } from "node:timers/promises";
import { z } from "zod";
import { bytesOf, condition, recordOf, type Row, vectorOf, wordsOf } from "./sqlite-records.ts";
import { BestCandidates, type Candidate, cosine, matrixBytes, VectorMatrix } from "./vector-matrix.ts";

/** Rows that are read at once where not all are in memory. */
const rowsPerPage = 250;
/** How many of the nearly nearest are compared exactly, for as many as are asked for. */
const depthOf = (limit: number) => Math.max(100, limit * 4);

/**
 * Records in one SQLite file. Vectors are compared one by one, from memory where that has room, and the best of them exactly; words are
 * found by FTS5, in an index whose every entry begins with its partition.
 */
class SqliteVectorStore implements VectorStore {
  readonly searchesText = true;
  readonly #database: Database;
  /** By partition, space and length; those used last at the end. */
  readonly #matrices: LRUCache<string, VectorMatrix>;
  readonly #loading = new Map<string, { readonly matrix: VectorMatrix; readonly done: Promise<void> }>();

  #version: unknown;

  constructor(database: Database, memoryBytes: number) {
    this.#database = database;
    this.#matrices = new LRUCache({
      maxSize: Math.max(1, memoryBytes),
      sizeCalculation: (matrix) => Math.max(1, matrix.bytes),
    });
    database.exec(`
      CREATE TABLE IF NOT EXISTS records (
        number INTEGER PRIMARY KEY, partition TEXT NOT NULL, id TEXT NOT NULL, text TEXT NOT NULL,
        space TEXT, vector BLOB, attributes TEXT NOT NULL, UNIQUE (partition, id)
      );
      CREATE INDEX IF NOT EXISTS records_user ON records (partition, json_extract(attributes, '$.user'));
      CREATE INDEX IF NOT EXISTS records_order ON records (partition, number);
      CREATE INDEX IF NOT EXISTS records_file ON records (partition, json_extract(attributes, '$.file'));
      CREATE VIRTUAL TABLE IF NOT EXISTS words USING fts5 (
        partition, text, tokenize = "porter unicode61 remove_diacritics 2"
      );
    `);
  }

  upsert(partition: string, records: readonly VectorRecord[]): Promise<void> {
    return attempt(() =>
      this.#database.transaction(() => {
        for (const record of records) this.#write(partition, record);
      })
    );
  }

  async query(partition: string, query: VectorQuery): Promise<readonly VectorMatch[]> {
    const { vector, text, where, limit } = query;
    condition(partition, where);
    if (vector !== undefined) return await this.#nearest(partition, vector, where, limit);
    return text === undefined ? [] : this.#byWords(partition, text, where, limit);
  }

  delete(
    partition: string,
    { ids, where }: { ids?: readonly string[]; where?: VectorFilter } = {},
  ): Promise<number> {
    return attempt(() =>
      this.#database.transaction(() => {
        if (ids === undefined && where === undefined) return this.#eraseAll(partition);
        const { sql, values } = condition(partition, where);
        const named = ids === undefined ? "" : " AND id IN (SELECT value FROM json_each(?))";
        const given = ids === undefined ? values : [...values, JSON.stringify(ids)];
        const numbers = this.#database.prepare(`SELECT number FROM records WHERE ${sql}${named}`).all(
          ...given,
        );
        for (const { number } of numbers) this.#erase(partition, number as number);
        return numbers.length;
      })
    );
  }

  list(
    partition: string,
    { where, cursor = "", limit = 100 }: { where?: VectorFilter; cursor?: string; limit?: number } = {},
  ): Promise<VectorPage> {
    return attempt(() => {
      const most = Math.min(limit, 1000);
      const { sql, values } = condition(partition, where);
      const rows = this.#database.prepare(
        `SELECT * FROM records WHERE ${sql} AND id > ? ORDER BY id LIMIT ?`,
      ).all(...values, cursor, most + 1);
      const records = rows.slice(0, most).map(recordOf);
      return { records, cursor: rows.length > most ? records.at(-1)?.id : undefined };
    });
  }

  partitions(): Promise<readonly string[]> {
    return attempt(() =>
      this.#database.prepare("SELECT DISTINCT partition FROM records ORDER BY partition").all()
        .map((row) => row.partition as string)
    );
  }

  close(): void {
    this.#database.close();
  }

  #write(partition: string, { id, text, vector, attributes }: VectorRecord): void {
    const known = this.#database.prepare("SELECT number FROM records WHERE partition = ? AND id = ?")
      .get(partition, id);
    if (known !== undefined) this.#erase(partition, known.number as number);
    this.#database.prepare(
      "INSERT INTO records (partition, id, text, space, vector, attributes) VALUES (?, ?, ?, ?, ?, ?)",
    ).run(
      partition,
      id,
      text,
      vector?.space ?? null,
      vector === undefined ? null : bytesOf(vector.values),
      JSON.stringify(attributes),
    );
    const { number } = this.#database.prepare("SELECT last_insert_rowid() AS number").get() as {
      number: number;
    };
    if (vector !== undefined) {
      const { values } = vector;
      for (const matrix of this.#matricesOf(partition, vector)) {
        matrix.add(number, values, JSON.stringify(attributes));
      }
    }
    if (text === "") return;
    this.#database.prepare("INSERT INTO words (rowid, partition, text) VALUES (?, ?, ?)")
      .run(number, partitionWord(partition), text);
  }

  #erase(partition: string, number: number): void {
    for (const matrix of this.#matricesOf(partition)) matrix.remove(number);
    this.#database.prepare("DELETE FROM words WHERE rowid = ?").run(number);
    this.#database.prepare("DELETE FROM records WHERE number = ?").run(number);
  }

  #eraseAll(partition: string): number {
    for (const key of [...this.#matrices.keys()]) {
      if (key.startsWith(`${partitionWord(partition)}:`)) this.#matrices.delete(key);
    }
    this.#database.prepare(
      "DELETE FROM words WHERE rowid IN (SELECT number FROM records WHERE partition = ?)",
    ).run(partition);
    return this.#database.prepare("DELETE FROM records WHERE partition = ?").run(partition).changes;
  }

  /** What of a partition is in memory, or on its way there. */
  #matricesOf(partition: string, vector?: TextVector): VectorMatrix[] {
    const beginning = vector === undefined ? `${partitionWord(partition)}:` : matrixKey(partition, vector);
    const fits = (key: string) => vector === undefined ? key.startsWith(beginning) : key === beginning;
    return [
      ...[...this.#matrices.entries()].filter(([key]) => fits(key)).map(([, matrix]) => matrix),
      ...[...this.#loading].filter(([key]) => fits(key)).map(([, { matrix }]) => matrix),
    ];
  }

  async #nearest(
    partition: string,
    vector: TextVector,
    where: VectorFilter | undefined,
    limit: number,
  ): Promise<VectorMatch[]> {
    const matrix = await this.#matrix(partition, vector);
    const best = matrix === undefined
      ? await this.#scan(partition, vector, where, limit)
      : await matrix.nearest(vector.values, depthOf(limit), where);
    const select = this.#database.prepare("SELECT * FROM records WHERE number = ? AND partition = ?");
    return best
      .flatMap(({ number }) => {
        const row = select.get(number, partition);
        if (row === undefined || row.vector === null) return [];
        const similarity = cosine(vector.values, vectorOf(row.vector as Uint8Array));
        return [{ ...recordOf(row), similarity: Math.min(1, Math.max(0, similarity)) }];
      })
      .sort((one, other) => other.similarity - one.similarity || (one.id < other.id ? -1 : 1))
      .slice(0, limit);
  }

  /** Vectors in memory; undefined where they would take more than there is for all. */
  async #matrix(partition: string, vector: TextVector): Promise<VectorMatrix | undefined> {
    this.#forgetIfStale();
    const key = matrixKey(partition, vector);
    const known = this.#matrices.get(key);
    if (known !== undefined) return known;
    const { space, values: { length, byteLength } } = vector;
    const loading = this.#loading.get(key);
    if (loading === undefined) {
      const rows = this.#database.prepare(
        "SELECT count(*) AS rows FROM records WHERE partition = ? AND space = ? AND length(vector) = ?",
      ).get(partition, space, byteLength)!.rows as number;
      if (matrixBytes(rows, length) > this.#matrices.maxSize) return undefined;
      const matrix = new VectorMatrix(length);
      matrix.reserve(rows);
      const done = this.#load(partition, vector, matrix).then(() => {
        this.#matrices.set(key, matrix);
      }).finally(() => this.#loading.delete(key));
      this.#loading.set(key, { matrix, done });
      await done;
      return matrix;
    }
    await loading.done;
    return loading.matrix;
  }

  /** Another process may have written to the file. */
  #forgetIfStale(): void {
    const version = this.#database.prepare("PRAGMA data_version").get()?.data_version;
    if (this.#version !== undefined && version !== this.#version) this.#matrices.clear();
    this.#version = version;
  }

  async #load(partition: string, vector: TextVector, matrix: VectorMatrix): Promise<void> {
    for await (const rows of this.#pages(partition, vector)) {
      for (const { number, vector: bytes, attributes } of rows) {
        matrix.add(number as number, vectorOf(bytes as Uint8Array), attributes as string);
      }
    }
  }

  /** Compares what is on disk, exactly. */
  async #scan(
    partition: string,
    vector: TextVector,
    where: VectorFilter | undefined,
    limit: number,
  ): Promise<Candidate[]> {
    const best = new BestCandidates(limit);
    for await (const rows of this.#pages(partition, vector, where)) {
      for (const { number, vector: bytes } of rows) {
        best.offer(number as number, cosine(vector.values, vectorOf(bytes as Uint8Array)));
      }
    }
    return best.sorted();
  }

  /** All vectors of a space and length, in pages between which others may work. */
  async *#pages(
    partition: string,
    { space, values }: TextVector,
    where?: VectorFilter,
  ): AsyncGenerator<Row[]> {
    const { sql, values: bound } = condition(partition, where);
    const select = this.#database.prepare(
      `SELECT number, vector, attributes FROM records INDEXED BY records_order
       WHERE ${sql} AND space = ? AND length(vector) = ? AND number > ? ORDER BY number LIMIT ?`,
    );
    for (let last = -1;;) {
      const rows = select.all(...bound, space, values.byteLength, last, rowsPerPage);
      if (rows.length === 0) return;
      yield rows;
      last = rows.at(-1)!.number as number;
      await setImmediate();
    }
  }

  #byWords(
    partition: string,
    text: string,
    where: VectorFilter | undefined,
    limit: number,
  ): VectorMatch[] {
    const words = wordsOf(text);
    if (words.length === 0) return [];
    const { sql, values } = condition(partition, where);
    const asked = `partition : "${partitionWord(partition)}" AND text : (${words.join(" OR ")})`;
    const rows = this.#database.prepare(
      `SELECT records.*, -bm25(words, 0.0, 1.0) AS score FROM words JOIN records ON records.number = words.rowid
       WHERE words MATCH ? AND ${sql} ORDER BY score DESC, id LIMIT ?`,
    ).all(asked, ...values, limit);
    const top = (rows[0]?.score as number | undefined) ?? 0;
    return rows.map((row) => ({
      ...recordOf(row),
      similarity: top > 0 ? Math.max(0, row.score as number) / top : 1,
    }));
  }
}

function matrixKey(partition: string, { space, values }: TextVector): string {
  return `${partitionWord(partition)}:${values.length}:${space}`;
}

/** One word that no text holds by chance, and which the index does not take apart. */
function partitionWord(partition: string): string {
  return `p${createHash("sha256").update(partition).digest("hex")}`;
}

/** The driver is synchronous; its errors must still arrive as rejections. */
function attempt<T>(work: () => T): Promise<T> {
  return new Promise((resolve) => resolve(work()));
}

export default definePlugin({
  apiVersion: 1,
  kind: "vector-store",
  name: "sqlite",
  description: "Keeps texts and vectors in one SQLite file of the data directory.",
  options: z.strictObject({
    memory_bytes: z.number().int().min(0).max(68_719_476_736).default(268_435_456).describe(
      "Memory for vectors, a byte for each of their numbers; partitions that were not used for longest go first, and one that does not fit is read from disk for every query.",
    ),
  }),
  create: ({ memory_bytes: memoryBytes }, host) => new SqliteVectorStore(host.sqlite("vectors"), memoryBytes),
});
