import type { Clock } from "../lib/clock.ts";
import { timedId } from "../lib/timed-id.ts";
import type { Database } from "../plugin/api/host.ts";
import { type Page, type PageRequest, type Row, Statements } from "./statements.ts";

/** Times are milliseconds since the epoch. */
export interface FileRecord {
  readonly id: string;
  readonly tenant: string;
  readonly filename: string;
  readonly bytes: number;
  readonly purpose: string;
  readonly contentType: string | undefined;
  readonly createdAt: number;
  readonly expiresAt: number | undefined;
}

/** The files that have been uploaded; what is in them is kept elsewhere. */
export class FileCatalog {
  readonly #statements: Statements;
  readonly #clock: Pick<Clock, "now">;

  constructor(database: Database, clock: Pick<Clock, "now">) {
    this.#statements = new Statements(database);
    this.#clock = clock;
    database.exec(`
      CREATE TABLE IF NOT EXISTS files (
        id TEXT PRIMARY KEY, tenant TEXT NOT NULL, filename TEXT NOT NULL, bytes INTEGER NOT NULL, purpose TEXT NOT NULL,
        content_type TEXT, created_at INTEGER NOT NULL, expires_at INTEGER
      ) WITHOUT ROWID;
      CREATE INDEX IF NOT EXISTS files_tenant ON files (tenant, id);
    `);
  }

  add(file: Omit<FileRecord, "id" | "createdAt">, id = this.newId()): FileRecord {
    const createdAt = this.#clock.now();
    this.#statements.run(
      "INSERT INTO files (id, tenant, filename, bytes, purpose, content_type, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
      id,
      file.tenant,
      file.filename,
      file.bytes,
      file.purpose,
      file.contentType ?? null,
      createdAt,
      file.expiresAt ?? null,
    );
    return { ...file, id, createdAt };
  }

  newId(): string {
    return `file-${timedId(this.#clock.now())}`;
  }

  /** @param tenant whose file it must be; anybody's when absent. */
  find(id: string, tenant?: string): FileRecord | undefined {
    const row = this.#statements.get(
      "SELECT * FROM files WHERE id = ? AND (?2 IS NULL OR tenant = ?2)",
      id,
      tenant ?? null,
    );
    return row && fileOf(row);
  }

  list(tenant: string, page: PageRequest & { readonly purpose?: string | undefined }): Page<FileRecord> {
    return this.#statements.page(
      "files",
      "id",
      "tenant = ? AND (?2 IS NULL OR purpose = ?2)",
      [tenant, page.purpose ?? null],
      page,
      fileOf,
    );
  }

  delete(id: string): void {
    this.#statements.run("DELETE FROM files WHERE id = ?", id);
  }

  expired(limit: number): FileRecord[] {
    return this.#statements.all("SELECT * FROM files WHERE expires_at <= ? LIMIT ?", this.#clock.now(), limit)
      .map(
        fileOf,
      );
  }
}

function fileOf(row: Row): FileRecord {
  return {
    id: row.id as string,
    tenant: row.tenant as string,
    filename: row.filename as string,
    bytes: row.bytes as number,
    purpose: row.purpose as string,
    contentType: (row.content_type as string | null) ?? undefined,
    createdAt: row.created_at as number,
    expiresAt: (row.expires_at as number | null) ?? undefined,
  };
}
