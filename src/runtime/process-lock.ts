import { DatabaseSync } from "node:sqlite";

/** A lock that ends with the process, however that ends. */
export interface ProcessLock {
  release(): void;
}

/**
 * Takes a lock that only one living process can have; undefined when another has it. JavaScript runtimes offer no file locks, SQLite
 * does: an exclusive transaction that is never ended holds one of the operating system's.
 *
 * @param path of the lock's own file, which is made.
 */
export function tryLock(path: string): ProcessLock | undefined {
  const database = new DatabaseSync(path);
  database.exec("PRAGMA busy_timeout = 0; PRAGMA locking_mode = EXCLUSIVE");
  try {
    database.exec("BEGIN EXCLUSIVE");
  } catch (error) {
    database.close();
    if (/locked|busy/i.test(String(error))) return undefined;
    throw error;
  }
  return { release: () => database.close() };
}
