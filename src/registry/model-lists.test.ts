import { describe, expect, test } from "bun:test";
import { FakeClock, settle } from "../../test/support/fake-clock.ts";
import type { ModelDescription, Provider } from "../plugin/api/provider.ts";
import { ModelLists } from "./model-lists.ts";

const minute = 60_000;

function setUp() {
  const clock = new FakeClock();
  const warnings: unknown[] = [];
  const changes = { count: 0 };
  const silent = () => {};
  const lists = new ModelLists({
    clock,
    logger: {
      debug: silent,
      info: silent,
      warn: (_message, fields) => void warnings.push(fields),
      error: silent,
    },
    random: () => 0.5,
    onChange: () => void changes.count++,
  });
  return { clock, warnings, changes, lists };
}

/** A provider whose answers are given one after the other; the last one again and again. */
function backend(...answers: (() => Promise<readonly ModelDescription[]>)[]) {
  const calls: AbortSignal[] = [];
  const provider: Provider = {
    listModels: ({ signal }) => {
      calls.push(signal);
      return answers[Math.min(calls.length, answers.length) - 1]!();
    },
  };
  return { calls, provider };
}

const list = (...ids: string[]) => () => Promise.resolve(ids.map((id) => ({ id })));
const down = () => Promise.reject(new Error("no connection"));

describe("ModelLists", () => {
  test("asks in the background and tells when the list is there", async () => {
    const { lists, changes, clock } = setUp();
    lists.follow(new Map([["a", backend(list("m")).provider]]));
    expect(lists.get("a")).toBeUndefined();
    await settle();
    expect(lists.get("a")).toEqual([{ id: "m" }]);
    expect(changes.count).toBe(1);
    expect(lists.health("a")).toEqual({ lastOkAt: clock.now(), lastError: undefined });
  });

  test("asks again every five minutes, and tells only of what has changed", async () => {
    const { lists, changes, clock } = setUp();
    const { provider, calls } = backend(list("m"), list("m"), list("m", "n"));
    lists.follow(new Map([["a", provider]]));
    await clock.advance(5 * minute);
    expect([calls.length, changes.count]).toEqual([2, 1]);
    await clock.advance(5 * minute);
    expect([calls.length, changes.count]).toEqual([3, 2]);
    expect(lists.get("a")).toHaveLength(2);
  });

  test("an empty list is a list", async () => {
    const { lists, changes } = setUp();
    lists.follow(new Map([["a", backend(list()).provider]]));
    await settle();
    expect(lists.get("a")).toEqual([]);
    expect(changes.count).toBe(1);
  });

  test("a failure keeps the old list, is logged once, and is tried again with growing pauses", async () => {
    const { lists, warnings, clock } = setUp();
    const { provider, calls } = backend(list("m"), down);
    lists.follow(new Map([["a\nsecret part of the key", provider]]));
    await clock.advance(5 * minute);
    expect(lists.get("a\nsecret part of the key")).toEqual([{ id: "m" }]);
    expect(lists.health("a\nsecret part of the key")?.lastError).toBe("no connection");
    const counts: number[] = [];
    for (const wait of [5_000, 10_000, 20_000]) {
      await clock.advance(wait);
      counts.push(calls.length);
    }
    expect(counts).toEqual([3, 4, 5]);
    expect(warnings).toEqual([{ provider: "a", error: "no connection" }]);
  });

  test("a backend that recovers is asked at the usual pace again", async () => {
    const { lists, clock } = setUp();
    const { provider, calls } = backend(down, list("m"));
    lists.follow(new Map([["a", provider]]));
    await clock.advance(5_000);
    expect(lists.health("a")?.lastError).toBeUndefined();
    await clock.advance(5 * minute - 1);
    expect(calls).toHaveLength(2);
    await clock.advance(1);
    expect(calls).toHaveLength(3);
  });

  test("an answer that does not come is given up after ten seconds", async () => {
    const { lists, clock } = setUp();
    let given = "";
    const provider: Provider = {
      listModels: ({ signal }) =>
        new Promise((_resolve, reject) =>
          signal.addEventListener("abort", () => {
            given = String(signal.reason.message);
            reject(signal.reason);
          })
        ),
    };
    lists.follow(new Map([["a", provider]]));
    await clock.advance(10_000);
    expect(given).toContain("10000 ms");
    expect(lists.health("a")?.lastError).toContain("10000 ms");
  });

  test("a provider that cannot list is not followed", async () => {
    const { lists, clock } = setUp();
    lists.follow(new Map([["a", {}]]));
    await settle();
    expect(lists.health("a")).toBeUndefined();
    expect(clock.pending).toBe(0);
  });

  test("a reload keeps the lists of those that stay, asks them anew, and forgets the others", async () => {
    const { lists, clock, changes } = setUp();
    const gone = backend(list("x"));
    lists.follow(new Map([["a", backend(list("m")).provider], ["b", gone.provider]]));
    await settle();
    const anew = backend(list("m"));
    lists.follow(new Map([["a", anew.provider]]));
    expect(lists.get("a")).toEqual([{ id: "m" }]);
    expect(lists.get("b")).toBeUndefined();
    await clock.advance(20 * minute);
    expect(gone.calls).toHaveLength(1);
    expect(anew.calls).toHaveLength(5);
    expect(changes.count).toBe(2);
  });

  test("an answer that comes after a reload is nobody's, and its provider is not asked again", async () => {
    const { lists, changes, clock } = setUp();
    let answer: (models: readonly ModelDescription[]) => void = () => {};
    const old = backend(() => new Promise((resolve) => (answer = resolve)));
    lists.follow(new Map([["a", old.provider]]));
    lists.follow(new Map([["a", backend(list("new")).provider]]));
    await settle();
    answer([{ id: "old" }]);
    await settle();
    expect(lists.get("a")).toEqual([{ id: "new" }]);
    expect(changes.count).toBe(1);
    await clock.advance(20 * minute);
    expect(old.calls).toHaveLength(1);
  });

  test("closing ends everything", async () => {
    const { lists, clock } = setUp();
    const { provider, calls } = backend(list("m"));
    lists.follow(new Map([["a", provider]]));
    await settle();
    lists.close();
    await clock.advance(20 * minute);
    expect(calls).toHaveLength(1);
    expect(clock.pending).toBe(0);
  });
});
