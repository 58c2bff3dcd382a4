/** One page of a listing. */
export interface StoreListPage {
  readonly entries: readonly { readonly key: string; readonly value: string }[];
  /** Give this to `list` for the next page; undefined on the last. */
  readonly cursor: string | undefined;
}

/**
 * A key-value store with expiry. Keys are text without NUL, compared byte by byte; values are text.
 * Expired entries are as if they had never been. All operations are atomic by themselves and safe under concurrency.
 */
export interface Store {
  /** The value, or undefined when there is none. */
  get(key: string): Promise<string | undefined>;
  /** Writes, replacing the old value and its expiry. `ttlMs` absent: never expires; it must be above 0. */
  set(
    key: string,
    value: string,
    options?: { readonly ttlMs?: number; readonly onlyIfAbsent?: boolean },
  ): Promise<boolean>;
  /** Returns whether there was something to delete. */
  delete(key: string): Promise<boolean>;
  /** Entries whose key starts with `prefix`, in ascending key order. `limit` defaults to 100, at most 1000. */
  list(
    prefix: string,
    options?: { readonly cursor?: string; readonly limit?: number },
  ): Promise<StoreListPage>;
  /**
   * Adds `by` (an integer, also negative) to a whole number and returns the sum; an absent entry counts as 0.
   * `ttlMs` applies only when the entry is created, so that a window does not move. Throws TypeError when the entry
   * holds something else.
   */
  increment(key: string, by: number, options?: { readonly ttlMs?: number }): Promise<number>;
  close?(): void | Promise<void>;
}
