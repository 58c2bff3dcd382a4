import { definePlugin } from "intellirouter/plugin";
import type { PluginHost, Store, StoreListPage } from "intellirouter/plugin";
import { z } from "zod";

interface Entry {
  value: string;
  /** Wall-clock milliseconds; Infinity never expires. */
  expiresAt: number;
}

/** Entries are gone through for expired ones after this many writes, so that forgotten keys do not pile up. */
const sweepEvery = 1024;

class MemoryStore implements Store {
  readonly #entries = new Map<string, Entry>();
  readonly #now: () => number;
  #writes = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  get(key: string): Promise<string | undefined> {
    return Promise.resolve(this.#live(key)?.value);
  }

  set(
    key: string,
    value: string,
    options: { ttlMs?: number; onlyIfAbsent?: boolean } = {},
  ): Promise<boolean> {
    if (options.onlyIfAbsent && this.#live(key) !== undefined) return Promise.resolve(false);
    this.#write(key, value, options.ttlMs);
    return Promise.resolve(true);
  }

  delete(key: string): Promise<boolean> {
    const existed = this.#live(key) !== undefined;
    this.#entries.delete(key);
    return Promise.resolve(existed);
  }

  list(prefix: string, options: { cursor?: string; limit?: number } = {}): Promise<StoreListPage> {
    const limit = Math.min(options.limit ?? 100, 1000);
    const after = options.cursor;
    const keys = [...this.#entries.keys()]
      .filter((key) => key.startsWith(prefix) && (after === undefined || compare(key, after) > 0))
      .filter((key) => this.#live(key) !== undefined)
      .sort(compare);
    const entries = keys.slice(0, limit).map((key) => ({ key, value: this.#entries.get(key)!.value }));
    return Promise.resolve({ entries, cursor: keys.length > limit ? entries.at(-1)?.key : undefined });
  }

  increment(key: string, by: number, options: { ttlMs?: number } = {}): Promise<number> {
    const entry = this.#live(key);
    if (entry === undefined) {
      this.#write(key, String(by), options.ttlMs);
      return Promise.resolve(by);
    }
    if (!/^-?\d+$/.test(entry.value)) {
      return Promise.reject(new TypeError(`The entry "${key}" is not a whole number`));
    }
    const sum = Number(entry.value) + by;
    entry.value = String(sum);
    return Promise.resolve(sum);
  }

  #live(key: string): Entry | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined || entry.expiresAt > this.#now()) return entry;
    this.#entries.delete(key);
    return undefined;
  }

  #write(key: string, value: string, ttlMs: number | undefined): void {
    this.#entries.set(key, { value, expiresAt: ttlMs === undefined ? Infinity : this.#now() + ttlMs });
    if (++this.#writes % sweepEvery === 0) {
      for (const known of this.#entries.keys()) this.#live(known);
    }
  }
}

/** Byte order of UTF-8, which is the order of code points and not that of UTF-16 units. */
function compare(left: string, right: string): number {
  return Buffer.compare(Buffer.from(left), Buffer.from(right));
}

export default definePlugin({
  apiVersion: 1,
  kind: "store",
  name: "memory",
  description: "Keeps everything in this process; gone when it ends.",
  options: z.strictObject({}),
  create: (_options, host: PluginHost) => new MemoryStore(host.now),
});
