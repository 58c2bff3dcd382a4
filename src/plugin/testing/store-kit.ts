import type { Store } from "../api/store.ts";
import { type Skips, type TestFunctions, withSkips } from "./test-functions.ts";

export interface StoreKitOptions {
  /** Makes an empty store that takes its time from `now`. */
  make(now: () => number): Store | Promise<Store>;
  readonly skip?: Skips;
}

/** The contract of `Store`: every implementation must pass it. */
export function testStore(functions: TestFunctions, options: StoreKitOptions): void {
  const { expect } = functions;
  const { test, checkSkips } = withSkips(functions, options.skip);

  functions.describe("store contract", () => {
    const withStore = (body: (store: Store, clock: { now: number }) => Promise<void>) => async () => {
      const clock = { now: 1_000_000 };
      const store = await options.make(() => clock.now);
      try {
        await body(store, clock);
      } finally {
        await store.close?.();
      }
    };

    test(
      "an absent key has no value",
      withStore(async (store) => {
        expect(await store.get("absent")).toBeUndefined();
        expect(await store.delete("absent")).toBe(false);
      }),
    );

    test(
      "a value comes back as it was written, whatever its characters",
      withStore(async (store) => {
        for (const value of ["", "text", "ünïcödé 🦙", "line\nbreak\u0000nul", "x".repeat(100_000)]) {
          await store.set("key", value);
          expect(await store.get("key")).toBe(value);
        }
      }),
    );

    test(
      "a later write replaces value and expiry",
      withStore(async (store, clock) => {
        await store.set("key", "old", { ttlMs: 10 });
        await store.set("key", "new");
        clock.now += 1_000;
        expect(await store.get("key")).toBe("new");
      }),
    );

    test(
      "an entry is gone at its expiry, not before",
      withStore(async (store, clock) => {
        await store.set("key", "value", { ttlMs: 100 });
        clock.now += 99;
        expect(await store.get("key")).toBe("value");
        clock.now += 1;
        expect(await store.get("key")).toBeUndefined();
        expect(await store.delete("key")).toBe(false);
        expect((await store.list("")).entries).toEqual([]);
      }),
    );

    test(
      "onlyIfAbsent writes once, and again after expiry",
      withStore(async (store, clock) => {
        expect(await store.set("key", "first", { onlyIfAbsent: true, ttlMs: 50 })).toBe(true);
        expect(await store.set("key", "second", { onlyIfAbsent: true })).toBe(false);
        expect(await store.get("key")).toBe("first");
        clock.now += 50;
        expect(await store.set("key", "third", { onlyIfAbsent: true })).toBe(true);
        expect(await store.get("key")).toBe("third");
      }),
    );

    test(
      "of many concurrent onlyIfAbsent writes exactly one wins",
      withStore(async (store) => {
        const writes = Array.from(
          { length: 50 },
          (_, index) => store.set("key", String(index), { onlyIfAbsent: true }),
        );
        expect((await Promise.all(writes)).filter(Boolean)).toHaveLength(1);
      }),
    );

    test(
      "a listing gives the entries of a prefix in key order",
      withStore(async (store) => {
        for (const key of ["b:2", "a:2", "a:10", "a", "a:1", "c"]) await store.set(key, key);
        const page = await store.list("a:");
        expect(page.entries.map((entry) => entry.key)).toEqual(["a:1", "a:10", "a:2"]);
        expect(page.cursor).toBeUndefined();
        expect((await store.list("")).entries).toHaveLength(6);
      }),
    );

    test(
      "pages of a listing join without gap or repeat",
      withStore(async (store) => {
        const keys = Array.from({ length: 25 }, (_, index) => `key:${String(index).padStart(3, "0")}`);
        for (const key of keys) await store.set(key, "value");
        const seen: string[] = [];
        let cursor: string | undefined;
        do {
          const page = await store.list("key:", { limit: 7, ...(cursor === undefined ? {} : { cursor }) });
          seen.push(...page.entries.map((entry) => entry.key));
          cursor = page.cursor;
        } while (cursor !== undefined);
        expect(seen).toEqual(keys);
      }),
    );

    test(
      "a prefix is text, not a pattern",
      withStore(async (store) => {
        for (const key of ["a%b", "a_b", "axb", "a*b", "a[b", "ü1", "ü2"]) await store.set(key, key);
        expect((await store.list("a%")).entries.map((entry) => entry.key)).toEqual(["a%b"]);
        expect((await store.list("a_")).entries.map((entry) => entry.key)).toEqual(["a_b"]);
        expect((await store.list("a*")).entries.map((entry) => entry.key)).toEqual(["a*b"]);
        expect((await store.list("ü")).entries.map((entry) => entry.key)).toEqual(["ü1", "ü2"]);
      }),
    );

    test(
      "increment starts at zero, adds and subtracts",
      withStore(async (store) => {
        expect(await store.increment("count", 5)).toBe(5);
        expect(await store.increment("count", -7)).toBe(-2);
        expect(await store.get("count")).toBe("-2");
      }),
    );

    test(
      "concurrent increments lose nothing",
      withStore(async (store) => {
        await Promise.all(Array.from({ length: 200 }, () => store.increment("count", 1)));
        expect(await store.increment("count", 0)).toBe(200);
      }),
    );

    test(
      "a counter's window does not move",
      withStore(async (store, clock) => {
        await store.increment("count", 1, { ttlMs: 100 });
        clock.now += 60;
        expect(await store.increment("count", 1, { ttlMs: 100 })).toBe(2);
        clock.now += 40;
        expect(await store.increment("count", 1, { ttlMs: 100 })).toBe(1);
      }),
    );

    test(
      "increment refuses an entry that is not a whole number and leaves it",
      withStore(async (store) => {
        await store.set("key", "text");
        let refusal: unknown;
        await store.increment("key", 1).catch((error) => (refusal = error));
        expect(refusal).toBeInstanceOf(TypeError);
        expect(await store.get("key")).toBe("text");
      }),
    );

    checkSkips();
  });
}
