import type { Database, DatabaseValue } from "../plugin/api/host.ts";

export type Row = Record<string, DatabaseValue>;

/** One page of a listing, as OpenAI's lists are cut. */
export interface PageRequest {
  readonly limit: number;
  readonly order: "asc" | "desc";
  readonly after?: string | undefined;
  readonly before?: string | undefined;
}

export interface Page<Item> {
  readonly items: readonly Item[];
  readonly hasMore: boolean;
}

/** Statements on one database. */
export class Statements {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** @returns how many rows it has changed. */
  run(sql: string, ...values: DatabaseValue[]): number {
    return this.#database.prepare(sql).run(...values).changes;
  }

  get(sql: string, ...values: DatabaseValue[]): Row | undefined {
    return this.#database.prepare(sql).get(...values);
  }

  all(sql: string, ...values: DatabaseValue[]): Row[] {
    return this.#database.prepare(sql).all(...values);
  }

  transaction<Value>(work: () => Value): Value {
    return this.#database.transaction(work);
  }

  /** One page of a table, by a key that sorts in the order in which rows were made. */
  page<Item>(
    table: string,
    key: string,
    condition: string,
    values: DatabaseValue[],
    { limit, order, after, before }: PageRequest,
    read: (row: Row) => Item,
  ): Page<Item> {
    const [beyond, direction] = order === "asc" ? [">", "ASC"] : ["<", "DESC"];
    const within = order === "asc" ? "<" : ">";
    const bounds = [
      ...(after === undefined ? [] : [`AND ${key} ${beyond} ?`]),
      ...(before === undefined ? [] : [`AND ${key} ${within} ?`]),
    ].join(" ");
    const rows = this.all(
      `SELECT * FROM ${table} WHERE ${condition} ${bounds} ORDER BY ${key} ${direction} LIMIT ?`,
      ...values,
      ...(after === undefined ? [] : [after]),
      ...(before === undefined ? [] : [before]),
      limit + 1,
    );
    return { items: rows.slice(0, limit).map(read), hasMore: rows.length > limit };
  }
}
