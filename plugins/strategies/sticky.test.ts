import { describe, expect, test } from "bun:test";
import { makeStrategy, order, request, target } from "../../test/support/strategy-fixtures.ts";
import sticky from "./sticky.ts";

const targets = ["a", "b", "c", "d", "e"].map((id) => target(`provider/${id}`));
const keys = Array.from({ length: 5_000 }, (_, index) => `user-${index}`);
const byUser = () => makeStrategy(sticky, { by: "user" });

/** The first target of every key when nothing is busy. */
function homes(strategy = byUser(), among = targets): Map<string, string> {
  return new Map(keys.map((user) => [user, order(strategy, among, request({ user }))[0]!]));
}

describe("what is kept together", () => {
  const first = (by: string, overrides: Parameters<typeof request>[0]) =>
    order(makeStrategy(sticky, { by }), targets, request(overrides))[0];
  /** Whether all of these go to one target; many different ones would not by chance. */
  const together = (by: string, requests: readonly Parameters<typeof request>[0][]) =>
    new Set(requests.map((one) => first(by, one))).size === 1;
  const some = Array.from({ length: 20 }, (_, index) => index);
  const prompt = (system: string, user: string, rest = "") => () =>
    `\u0000system\u0000${system}\u0000user\u0000${user}${rest}`;

  test("one user's requests", () => {
    expect(together("user", some.map((index) => ({ user: "u", prompt: () => `${index}` })))).toBe(true);
    expect(together("user", some.map((index) => ({ user: `u${index}` })))).toBe(false);
  });

  test("one caller's requests", () => {
    expect(together("principal", some.map((index) => ({ principal: "p", user: `${index}` })))).toBe(true);
    expect(together("principal", some.map((index) => ({ principal: `p${index}` })))).toBe(false);
  });

  test("requests with the same header", () => {
    expect(together("header:x-session", some.map((index) => ({ header: () => "s", user: `${index}` })))).toBe(
      true,
    );
    expect(together("header:x-session", some.map((index) => ({ header: () => `s${index}` })))).toBe(false);
  });

  test("one conversation's requests, also as it grows", () => {
    expect(
      together(
        "conversation",
        some.map((index) => ({ prompt: prompt("s", "Hello", "\u0000assistant\u0000x".repeat(index)) })),
      ),
    ).toBe(true);
  });

  test("conversations that differ behind a long common system prompt are not kept together", () => {
    const system = "You are a helpful assistant. ".repeat(500);
    expect(together("conversation", some.map((index) => ({ prompt: prompt(system, `Question ${index}`) }))))
      .toBe(false);
  });

  test("without the user or the header, the conversation counts", () => {
    for (const by of ["user", "header:x-session"]) {
      expect(together(by, some.map(() => ({ prompt: prompt("s", "Hello") })))).toBe(true);
      expect(together(by, some.map((index) => ({ prompt: prompt("s", `Hello ${index}`) })))).toBe(false);
    }
  });

  test("no other word is taken", () => {
    for (const by of ["ip", "header:", "header:X-Upper", ""]) {
      expect(sticky.options.safeParse({ by }).success).toBe(false);
    }
  });
});

describe("consistent hashing", () => {
  test("keys are spread evenly", () => {
    const counts = Map.groupBy(homes().values(), (id) => id);
    for (const { id } of targets) {
      expect(Math.abs(counts.get(id)!.length / keys.length - 0.2)).toBeLessThan(0.03);
    }
  });

  test("keys are spread by weight, and a weight of 0 gets none", () => {
    const weighted = [target("p/a", { weight: 3 }), target("p/b"), target("p/c", { weight: 0 })];
    const counts = Map.groupBy(homes(byUser(), weighted).values(), (id) => id);
    expect(Math.abs(counts.get("p/a")!.length / keys.length - 0.75)).toBeLessThan(0.03);
    expect(counts.get("p/c")).toBeUndefined();
    expect(order(byUser(), weighted)).toContain("p/c");
  });

  test("a target that goes moves only its own keys, and they are spread over the others", () => {
    const before = homes();
    const after = homes(byUser(), targets.slice(1));
    const moved = keys.filter((key) => before.get(key) !== after.get(key));
    expect(moved.every((key) => before.get(key) === targets[0]!.id)).toBe(true);
    const counts = Map.groupBy(moved, (key) => after.get(key)!);
    for (const { id } of targets.slice(1)) {
      expect(counts.get(id)!.length / moved.length).toBeGreaterThan(0.17);
    }
  });

  test("neither the order of the targets nor a restart changes anything", () => {
    expect(homes(byUser(), [...targets].reverse())).toEqual(homes());
  });
});

describe("bounded loads", () => {
  const user = "user-1";
  const loaded = (id: string, outstandingRequests: number) =>
    targets.map((one) => one.id === id ? { ...one, outstandingRequests } : one);

  test("a key leaves its target at the bound, for its next one, and comes back", () => {
    const strategy = byUser();
    const [home, next] = order(strategy, targets, request({ user }));
    // Below 1.25 times the average of all, and above.
    const shared = targets.map((one) => ({ ...one, outstandingRequests: 8 }));
    const at = (count: number) =>
      order(
        strategy,
        shared.map((one) => one.id === home ? { ...one, outstandingRequests: count } : one),
        request({ user }),
      );
    expect(at(10)[0]).toBe(home);
    expect(at(14)[0]).toBe(next);
    expect(at(8)[0]).toBe(home);
  });

  test("no target ever gets more than its bound, though all requests have one key", () => {
    const strategy = byUser();
    const counts = new Map(targets.map(({ id }) => [id, 0]));
    for (let total = 0; total < 500; total++) {
      const now = targets.map((one) => ({ ...one, outstandingRequests: counts.get(one.id)! }));
      const [first] = order(strategy, now, request({ user }));
      counts.set(first!, counts.get(first!)! + 1);
      expect(Math.max(...counts.values())).toBeLessThanOrEqual(
        Math.ceil(1.25 * (total + 1) / targets.length),
      );
    }
    expect([...counts.values()].reduce((sum, count) => sum + count)).toBe(500);
  });

  test("the bound follows the weight", () => {
    const pair = [
      target("p/big", { weight: 3, outstandingRequests: 70 }),
      target("p/small", { outstandingRequests: 30 }),
    ];
    // big: at most 1.25 * 101 * 3/4 = 95; small: at most 32.
    const firsts = new Set(keys.slice(0, 200).map((key) => order(byUser(), pair, request({ user: key }))[0]));
    expect(firsts).toEqual(new Set(["p/big", "p/small"]));
    const full = [{ ...pair[0]!, outstandingRequests: 90 }, { ...pair[1]!, outstandingRequests: 50 }];
    expect(new Set(keys.slice(0, 200).map((key) => order(byUser(), full, request({ user: key }))[0])))
      .toEqual(new Set(["p/big"]));
  });

  test("overloaded targets stay fallbacks", () => {
    const [home] = order(byUser(), targets, request({ user }));
    expect(order(byUser(), loaded(home!, 1_000), request({ user }))).toHaveLength(targets.length);
    expect(order(byUser(), loaded(home!, 1_000), request({ user })).at(-1)).toBe(home);
  });
});
