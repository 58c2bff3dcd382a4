import { definePlugin } from "intellirouter/plugin";
import type {
  Database,
  DatabaseValue,
  TextVector,
  VectorFilter,
  VectorMatch,
  VectorPage,
  VectorQuery,
  VectorRecord,
  VectorStore,
} from "intellirouter/plugin";
import { createHash } from "node:crypto";
import { z } from "zod";

type Row = Record<string, DatabaseValue>;

/** Words that a query may have; the rest of a long text says nothing new. */
const mostWords = 64;

/**
 * Records in one SQLite file. Vectors are compared one by one, which for tens of thousands takes milliseconds; words are found by
 * FTS5, in an index whose every entry begins with its partition.
 */
class SqliteVectorStore implements VectorStore {
  readonly searchesText = true;
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
    database.exec(`
      CREATE TABLE IF NOT EXISTS records (
        number INTEGER PRIMARY KEY, partition TEXT NOT NULL, id TEXT NOT NULL, text TEXT NOT NULL,
        space TEXT, vector BLOB, attributes TEXT NOT NULL, UNIQUE (partition, id)
      );
      CREATE INDEX IF NOT EXISTS records_user ON records (partition, json_extract(attributes, '$.user'));
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

  query(partition: string, query: VectorQuery): Promise<readonly VectorMatch[]> {
    return attempt(() => {
      const { vector, text, where, limit } = query;
      if (vector !== undefined) return this.#nearest(partition, vector, where, limit);
      return text === undefined ? [] : this.#byWords(partition, text, where, limit);
    });
  }

  delete(
    partition: string,
    { ids, where }: { ids?: readonly string[]; where?: VectorFilter } = {},
  ): Promise<number> {
    return attempt(() =>
      this.#database.transaction(() => {
        const { sql, values } = condition(partition, where);
        const named = ids === undefined ? "" : " AND id IN (SELECT value FROM json_each(?))";
        const given = ids === undefined ? values : [...values, JSON.stringify(ids)];
        const numbers = this.#database.prepare(`SELECT number FROM records WHERE ${sql}${named}`).all(
          ...given,
        );
        for (const { number } of numbers) this.#erase(number as number);
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
    if (known !== undefined) this.#erase(known.number as number);
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
    this.#database.prepare("INSERT INTO words (rowid, partition, text) VALUES (last_insert_rowid(), ?, ?)")
      .run(partitionWord(partition), text);
  }

  #erase(number: number): void {
    this.#database.prepare("DELETE FROM words WHERE rowid = ?").run(number);
    this.#database.prepare("DELETE FROM records WHERE number = ?").run(number);
  }

  #nearest(
    partition: string,
    { space, values: asked }: TextVector,
    where: VectorFilter | undefined,
    limit: number,
  ): VectorMatch[] {
    const { sql, values } = condition(partition, where);
    const rows = this.#database.prepare(
      `SELECT number, id, vector FROM records WHERE ${sql} AND space = ? AND length(vector) = ?`,
    ).all(...values, space, asked.byteLength);
    const best = rows
      .map((row) => ({
        number: row.number as number,
        id: row.id as string,
        similarity: Math.max(0, cosine(asked, vectorOf(row.vector as Uint8Array))),
      }))
      .sort((one, other) => other.similarity - one.similarity || (one.id < other.id ? -1 : 1))
      .slice(0, limit);
    const select = this.#database.prepare("SELECT * FROM records WHERE number = ?");
    return best.map(({ number, similarity }) => ({ ...recordOf(select.get(number)!), similarity }));
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

/** Names of attributes become part of a statement, values never do. */
function condition(partition: string, where: VectorFilter = {}): { sql: string; values: DatabaseValue[] } {
  const entries = Object.entries(where);
  for (const [name] of entries) {
    if (!/^[a-z_]{1,64}$/.test(name)) {
      throw new TypeError(`An attribute's name is lower-case letters, not "${name}"`);
    }
  }
  return {
    sql: [
      "records.partition = ?",
      ...entries.map(([name]) => `json_extract(attributes, '$.${name}') = ?`),
    ].join(" AND "),
    values: [partition, ...entries.map(([, value]) => value)],
  };
}

/** One word that no text holds by chance, and which the index does not take apart. */
function partitionWord(partition: string): string {
  return `p${createHash("sha256").update(partition).digest("hex")}`;
}

/** Each in quotes, so that none is an operator; words of one or two letters are in every text. */
function wordsOf(text: string): string[] {
  const words = text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
  const telling = words.filter((word) => word.length > 2 || /[^\p{Script=Latin}]/u.test(word));
  return [...new Set(telling.length > 0 ? telling : words)].slice(0, mostWords).map((word) => `"${word}"`);
}

function recordOf({ id, text, space, vector, attributes }: Row): VectorRecord {
  return {
    id: id as string,
    text: text as string,
    ...(space === null || vector === null
      ? {}
      : { vector: { space: space as string, values: vectorOf(vector as Uint8Array) } }),
    attributes: JSON.parse(attributes as string),
  };
}

function bytesOf(values: Float32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

/** A copy: what the driver gives need not begin where a number may. */
function vectorOf(bytes: Uint8Array): Float32Array {
  return new Float32Array(bytes.slice().buffer);
}

function cosine(one: Float32Array, other: Float32Array): number {
  let [product, first, second] = [0, 0, 0];
  for (let index = 0; index < one.length; index++) {
    const [a, b] = [one[index]!, other[index]!];
    product += a * b;
    first += a * a;
    second += b * b;
  }
  return first === 0 || second === 0 ? 0 : product / Math.sqrt(first * second);
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
  options: z.strictObject({}),
  create: (_options, host) => new SqliteVectorStore(host.sqlite("vectors")),
});
