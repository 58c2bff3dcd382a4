import type { Database, DatabaseValue } from "../plugin/api/host.ts";
import type { Attributes } from "../schema/retrieval.ts";
import { indexable, wordQuery } from "./search-words.ts";

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

/**
 * The chunks of one vector store, in one SQLite file, found by their words (BM25). One file for each store: nothing of another tenant
 * is there to be compared with or counted, and what is deleted is gone.
 */
export class ChunkIndex {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
    database.exec(`
      CREATE TABLE IF NOT EXISTS files (
        number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, filename TEXT NOT NULL, attributes TEXT NOT NULL
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

  /** Puts a file's chunks in the place of those that it had: all of them, or none. */
  put(file: IndexedFile, chunks: readonly Chunk[]): void {
    this.#database.transaction(() => {
      this.#erase(file.id);
      this.#database.prepare("INSERT INTO files (id, filename, attributes) VALUES (?, ?, ?)")
        .run(file.id, file.filename, JSON.stringify(file.attributes));
      const number = this.#number(file.id)!;
      const insert = this.#database.prepare(
        "INSERT INTO chunks (file, position, tokens, page, headings, text) VALUES (?, ?, ?, ?, ?, ?)",
      );
      const words = this.#database.prepare(
        "INSERT INTO words (rowid, headings, text) VALUES (last_insert_rowid(), ?, ?)",
      );
      for (const { text, tokens, position, headings, page } of chunks) {
        insert.run(number, position, tokens, page ?? null, JSON.stringify(headings), text);
        words.run(indexable(headings.join(" ")), indexable(text));
      }
    });
  }

  /** Changes what is known of a file. */
  setAttributes(fileId: string, attributes: Attributes): void {
    this.#database.prepare("UPDATE files SET attributes = ? WHERE id = ?").run(
      JSON.stringify(attributes),
      fileId,
    );
  }

  remove(fileId: string): void {
    this.#database.transaction(() => this.#erase(fileId));
  }

  files(): IndexedFile[] {
    return this.#database.prepare("SELECT id, filename, attributes FROM files ORDER BY number").all().map((
      row,
    ) => ({
      id: row.id as string,
      filename: row.filename as string,
      attributes: JSON.parse(row.attributes as string),
    }));
  }

  /** How many chunks there are. */
  size(): number {
    return this.#database.prepare("SELECT count(*) AS chunks FROM chunks").get()!.chunks as number;
  }

  /**
   * Numbers of chunks that hold words of a text, best first, by BM25; a word in a heading counts twice.
   *
   * @param within ids of the files to look in; all when absent.
   */
  byWords(text: string, limit: number, within?: readonly string[]): { number: number; score: number }[] {
    const query = wordQuery(text);
    if (query === undefined) return [];
    const narrowed = within === undefined
      ? ""
      : `AND rowid IN (SELECT chunks.number FROM chunks JOIN files ON files.number = chunks.file
           WHERE files.id IN (SELECT value FROM json_each(?)))`;
    const rows = this.#database.prepare(
      `SELECT rowid AS number, -bm25(words, 2.0, 1.0) AS score FROM words WHERE words MATCH ? ${narrowed}
       ORDER BY bm25(words, 2.0, 1.0), rowid LIMIT ?`,
    ).all(query, ...(within === undefined ? [] : [JSON.stringify(within)]), limit);
    return rows.map(({ number, score }) => ({ number: number as number, score: score as number }));
  }

  /** Numbers of the chunks at these places; what is not there is left out. */
  numbersOf(places: readonly ChunkPlace[]): { place: ChunkPlace; number: number }[] {
    const select = this.#database.prepare(
      "SELECT chunks.number FROM chunks JOIN files ON files.number = chunks.file WHERE files.id = ? AND position = ?",
    );
    return places.flatMap((place) => {
      const row = select.get(place.fileId, place.position);
      return row === undefined ? [] : [{ place, number: row.number as number }];
    });
  }

  /** @returns undefined for a chunk that has gone in the meantime. */
  chunk(number: number): IndexedChunk | undefined {
    const row = this.#database.prepare(
      "SELECT chunks.*, files.id, files.filename, files.attributes FROM chunks JOIN files ON files.number = chunks.file WHERE chunks.number = ?",
    ).get(number);
    return row && chunkOf(row);
  }

  /** A file's chunks in their order, from one place on. */
  chunksOf(fileId: string, from: number, limit: number): IndexedChunk[] {
    return this.#database.prepare(
      `SELECT chunks.*, files.id, files.filename, files.attributes FROM chunks JOIN files ON files.number = chunks.file
       WHERE files.id = ? AND position >= ? ORDER BY position LIMIT ?`,
    ).all(fileId, from, limit).map(chunkOf);
  }

  close(): void {
    this.#database.close();
  }

  #number(fileId: string): number | undefined {
    return this.#database.prepare("SELECT number FROM files WHERE id = ?").get(fileId)?.number as
      | number
      | undefined;
  }

  #erase(fileId: string): void {
    const number = this.#number(fileId);
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
