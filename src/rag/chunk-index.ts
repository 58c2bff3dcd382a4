import type { Database, DatabaseValue } from "../plugin/api/host.ts";
import type { Attributes } from "../schema/retrieval.ts";
import { LRUCache } from "lru-cache";
import { setImmediate } from "node:timers/promises";
import { indexable, wordTerms } from "./search-words.ts";

/** A piece of a document. */
export interface Chunk {
  readonly text: string;
  /** Estimated. */
  readonly tokens: number;
  /** Place among the document's chunks, from 0. */
  readonly position: number;
  readonly headings: readonly string[];
  /** From 1. */
  readonly page?: number | undefined;
}

export interface IndexedFile {
  readonly id: string;
  readonly filename: string;
  readonly attributes: Attributes;
}

/** A chunk with the file that it is of. */
export interface IndexedChunk extends Chunk {
  readonly number: number;
  readonly fileId: string;
  readonly filename: string;
  readonly attributes: Attributes;
}

/** A chunk's place in its file is what both searches know it by. */
export interface ChunkPlace {
  readonly fileId: string;
  readonly position: number;
}

/** Chunks that are written before others may work; some milliseconds. */
const chunksAtOnce = 50;
/** Chunks that the words of a question may be in, summed up over the words; about as many as can be weighed in 10 milliseconds. */
const mostMatches = 10_000;
/** It decides only which words are looked for. */
const countedForMs = 60_000;

/**
 * The chunks of one vector store, in one SQLite file, found by their words (BM25). One file for each store: nothing of another tenant
 * is there to be compared with or counted, and what is deleted is gone.
 */
export class ChunkIndex {
  readonly #database: Database;
  /** How many chunks hold a term, about; counting the common ones takes milliseconds. */
  readonly #matches = new LRUCache<string, number>({ max: 2_000, ttl: countedForMs });

  constructor(database: Database) {
    this.#database = database;
    database.exec(`
      CREATE TABLE IF NOT EXISTS files (
        number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, filename TEXT NOT NULL, attributes TEXT NOT NULL,
        pending INTEGER NOT NULL DEFAULT 1, UNIQUE (id, pending)
      );
      CREATE TABLE IF NOT EXISTS chunks (
        number INTEGER PRIMARY KEY AUTOINCREMENT, file INTEGER NOT NULL REFERENCES files, position INTEGER NOT NULL,
        tokens INTEGER NOT NULL, page INTEGER, headings TEXT NOT NULL, text TEXT NOT NULL, UNIQUE (file, position)
      );
      CREATE VIRTUAL TABLE IF NOT EXISTS words USING fts5 (
        headings, text, content = '', contentless_delete = 1, tokenize = "porter unicode61 remove_diacritics 2"
      );
    `);
  }

  /**
   * Writes a file's chunks, some at a time, so that others can work in between. They are not found before the function that it gives is
   * called, which puts them in the place of those that the file had: all of them, or none.
   */
  async stage(file: IndexedFile, chunks: readonly Chunk[]): Promise<() => void> {
    // An earlier try may not have come to its end.
    this.#database.transaction(() => this.#erase(file.id, true));
    const number = this.#database.prepare(
      "INSERT INTO files (id, filename, attributes) VALUES (?, ?, ?) RETURNING number",
    ).get(file.id, file.filename, JSON.stringify(file.attributes))!.number!;
    for (let start = 0; start < chunks.length; start += chunksAtOnce) {
      this.#database.transaction(() => this.#write(number, chunks.slice(start, start + chunksAtOnce)));
      await setImmediate();
    }
    return () =>
      this.#database.transaction(() => {
        this.#erase(file.id, false);
        this.#database.prepare("UPDATE files SET pending = 0 WHERE number = ?").run(number);
      });
  }

  /** Changes what is known of a file. */
  setAttributes(fileId: string, attributes: Attributes): void {
    this.#database.prepare("UPDATE files SET attributes = ? WHERE id = ? AND pending = 0").run(
      JSON.stringify(attributes),
      fileId,
    );
  }

  remove(fileId: string): void {
    this.#database.transaction(() => {
      this.#erase(fileId, true);
      this.#erase(fileId, false);
    });
  }

  files(): IndexedFile[] {
    return this.#database.prepare(
      "SELECT id, filename, attributes FROM files WHERE pending = 0 ORDER BY number",
    ).all().map((
      row,
    ) => ({
      id: row.id as string,
      filename: row.filename as string,
      attributes: JSON.parse(row.attributes as string),
    }));
  }

  /** Whether there is any chunk, also one that is not found yet. */
  isEmpty(): boolean {
    return this.#database.prepare("SELECT 1 FROM chunks LIMIT 1").get() === undefined;
  }

  /**
   * Numbers of chunks that hold words of a text, best first, by BM25; a word in a heading counts twice.
   *
   * Of a text with very common words in a large store only the rarer ones are looked for: the common ones would take most of the time
   * and decide next to nothing.
   *
   * @param within ids of the files to look in; all when absent.
   */
  byWords(text: string, limit: number, within?: readonly string[]): { number: number; score: number }[] {
    const query = this.#tellingTerms(wordTerms(text)).join(" OR ");
    if (query === "") return [];
    const ids = within ?? (this.#hasPending() ? this.files().map(({ id }) => id) : undefined);
    const narrowed = ids === undefined
      ? ""
      : `AND rowid IN (SELECT chunks.number FROM chunks JOIN files ON files.number = chunks.file
           WHERE pending = 0 AND files.id IN (SELECT value FROM json_each(?)))`;
    const rows = this.#database.prepare(
      `SELECT rowid AS number, -bm25(words, 2.0, 1.0) AS score FROM words WHERE words MATCH ? ${narrowed}
       ORDER BY bm25(words, 2.0, 1.0), rowid LIMIT ?`,
    ).all(query, ...(ids === undefined ? [] : [JSON.stringify(ids)]), limit);
    return rows.map(({ number, score }) => ({ number: number as number, score: score as number }));
  }

  /** Numbers of the chunks at these places; what is not there is left out. */
  numbersOf(places: readonly ChunkPlace[]): { place: ChunkPlace; number: number }[] {
    const select = this.#database.prepare(
      "SELECT chunks.number FROM chunks JOIN files ON files.number = chunks.file WHERE pending = 0 AND files.id = ? AND position = ?",
    );
    return places.flatMap((place) => {
      const row = select.get(place.fileId, place.position);
      return row === undefined ? [] : [{ place, number: row.number as number }];
    });
  }

  /** @returns undefined for a chunk that has gone in the meantime. */
  chunk(number: number): IndexedChunk | undefined {
    const row = this.#database.prepare(
      "SELECT chunks.*, files.id, files.filename, files.attributes FROM chunks JOIN files ON files.number = chunks.file WHERE pending = 0 AND chunks.number = ?",
    ).get(number);
    return row && chunkOf(row);
  }

  /** A file's chunks in their order, from one place on. */
  chunksOf(fileId: string, from: number, limit: number): IndexedChunk[] {
    return this.#database.prepare(
      `SELECT chunks.*, files.id, files.filename, files.attributes FROM chunks JOIN files ON files.number = chunks.file
       WHERE pending = 0 AND files.id = ? AND position >= ? ORDER BY position LIMIT ?`,
    ).all(fileId, from, limit).map(chunkOf);
  }

  close(): void {
    this.#database.close();
  }

  #write(file: DatabaseValue, chunks: readonly Chunk[]): void {
    const insert = this.#database.prepare(
      "INSERT INTO chunks (file, position, tokens, page, headings, text) VALUES (?, ?, ?, ?, ?, ?)",
    );
    const words = this.#database.prepare(
      "INSERT INTO words (rowid, headings, text) VALUES (last_insert_rowid(), ?, ?)",
    );
    for (const { text, tokens, position, headings, page } of chunks) {
      insert.run(file, position, tokens, page ?? null, JSON.stringify(headings), text);
      words.run(indexable(headings.join(" ")), indexable(text));
    }
  }

  #hasPending(): boolean {
    return this.#database.prepare("SELECT 1 FROM files WHERE pending = 1 LIMIT 1").get() !== undefined;
  }

  /** Rarest first, as long as they have not too many matches altogether; one at least. */
  #tellingTerms(terms: readonly string[]): string[] {
    const count = this.#database.prepare("SELECT count(*) AS chunks FROM words WHERE words MATCH ?");
    const matchesOf = (term: string): number => {
      const matches = this.#matches.get(term) ?? count.get(term)!.chunks as number;
      this.#matches.set(term, matches);
      return matches;
    };
    const counted = terms.map((term) => ({ term, matches: matchesOf(term) }))
      .sort((one, other) => one.matches - other.matches);
    let sum = 0;
    return counted.filter(({ matches }) => {
      sum += matches;
      return sum === matches || sum <= mostMatches;
    }).map(({ term }) => term);
  }

  #erase(fileId: string, isPending: boolean): void {
    const number = this.#database.prepare("SELECT number FROM files WHERE id = ? AND pending = ?")
      .get(fileId, isPending ? 1 : 0)?.number;
    if (number === undefined) return;
    this.#database.prepare("DELETE FROM words WHERE rowid IN (SELECT number FROM chunks WHERE file = ?)").run(
      number,
    );
    this.#database.prepare("DELETE FROM chunks WHERE file = ?").run(number);
    this.#database.prepare("DELETE FROM files WHERE number = ?").run(number);
  }
}

function chunkOf(row: Record<string, DatabaseValue>): IndexedChunk {
  return {
    number: row.number as number,
    fileId: row.id as string,
    filename: row.filename as string,
    attributes: JSON.parse(row.attributes as string),
    text: row.text as string,
    tokens: row.tokens as number,
    position: row.position as number,
    headings: JSON.parse(row.headings as string),
    ...(row.page === null ? {} : { page: row.page as number }),
  };
}
