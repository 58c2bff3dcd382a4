import type { Clock, TimerHandle } from "../../lib/clock.ts";
import type { Database } from "../../plugin/api/host.ts";
import {
  AccountConflict,
  type AccountKind,
  type AccountRecords,
  type AccountSnapshot,
  type AccountStore,
} from "./account-store.ts";

/** How often it is asked whether another process has written: a few microseconds each time. */
const pollMs = 500;

/** Accounts in SQLite, for one machine: the command line writes to the file that a running gateway reads. */
export class SqliteAccountStore implements AccountStore {
  readonly #database: Database;
  readonly #clock: Clock;
  /** What was read last, by kind and id: a record of the same version is the same, and is given as the same object. */
  readonly #known = new Map<string, AccountRecords[AccountKind]>();
  #timer: TimerHandle | undefined;

  constructor(database: Database, clock: Clock) {
    this.#database = database;
    this.#clock = clock;
    database.exec(`
      CREATE TABLE IF NOT EXISTS accounts (
        kind TEXT NOT NULL, id TEXT NOT NULL, version INTEGER NOT NULL, record TEXT NOT NULL, PRIMARY KEY (kind, id)
      ) WITHOUT ROWID`);
  }

  get isComplete(): boolean {
    return true;
  }

  load(): Promise<AccountSnapshot> {
    return Promise.resolve({
      keys: this.#read("key"),
      teams: this.#read("team"),
      organisations: this.#read("organisation"),
    });
  }

  #read<Kind extends AccountKind>(kind: Kind): AccountRecords[Kind][] {
    const text = this.#database.prepare("SELECT record FROM accounts WHERE kind = ? AND id = ?");
    return this.#database.prepare("SELECT id, version FROM accounts WHERE kind = ?").all(kind).map((row) => {
      const name = `${kind}\n${row.id}`;
      const known = this.#known.get(name);
      if (known?.version === row.version) return known as AccountRecords[Kind];
      const record = JSON.parse(text.get(kind, row.id!)!.record as string) as AccountRecords[Kind];
      this.#known.set(name, record);
      return record;
    });
  }

  // deno-lint-ignore require-await -- a conflict is a rejection, as with stores elsewhere.
  async save<Kind extends AccountKind>(kind: Kind, record: AccountRecords[Kind]): Promise<void> {
    const { id, version } = record;
    const { changes } = version === 1
      ? this.#database.prepare(
        "INSERT OR IGNORE INTO accounts (kind, id, version, record) VALUES (?, ?, 1, ?)",
      )
        .run(kind, id, JSON.stringify(record))
      : this.#database.prepare(
        "UPDATE accounts SET version = ?, record = ? WHERE kind = ? AND id = ? AND version = ?",
      )
        .run(version, JSON.stringify(record), kind, id, version - 1);
    if (changes === 0) throw new AccountConflict(`the ${kind} ${id} has been changed in the meantime`);
  }

  /** Keeps a record whatever is there; for copies of what is decided elsewhere. */
  put<Kind extends AccountKind>(kind: Kind, record: AccountRecords[Kind]): void {
    this.#database.prepare(
      `INSERT INTO accounts (kind, id, version, record) VALUES (?1, ?2, ?3, ?4)
       ON CONFLICT DO UPDATE SET version = ?3, record = ?4 WHERE version < ?3`,
    ).run(kind, record.id, record.version, JSON.stringify(record));
  }

  watch(onChange: () => void): void {
    let seen = this.#dataVersion();
    const look = () => {
      const version = this.#dataVersion();
      if (version !== seen) onChange();
      seen = version;
      this.#timer = this.#clock.setTimeout(look, pollMs);
    };
    this.#timer = this.#clock.setTimeout(look, pollMs);
  }

  close(): void {
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
    this.#database.close();
  }

  /** Changes whenever another connection has committed. */
  #dataVersion(): unknown {
    return this.#database.prepare("PRAGMA data_version").get()?.data_version;
  }
}
