import { expect, test } from "bun:test";
import { testMemory, turnOf } from "../../test/support/memory-fixtures.ts";
import { MemoryUnavailable } from "./contracts.ts";
import { Sweeper } from "./sweeper.ts";

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

test("what has been kept long enough goes by itself, and what is in use stays", async () => {
  const parts = testMemory({ retention_days: 2, facts_retention_days: 4, learn_after_seconds: 0 });
  const { clock, memory, administration, longTerm } = parts;
  const sweeper = new Sweeper({ ...parts, onError: () => {} });
  const owner = { tenant: "a", user: "ann", conversation: "old" };
  await memory.remember(turnOf({ policy: undefined, conversation: "old" }, "one"));
  await memory.remember(turnOf({ policy: undefined, conversation: "new" }, "one"));
  await longTerm.learn(owner, [{ kind: "fact", text: "Likes tea." }, { kind: "fact", text: "Has a dog." }]);
  const left = async () => [
    (await administration.listConversations("a", { limit: 9 })).data.map(({ id }) => id),
    (await administration.listFacts("a", { limit: 9 })).data.map(({ text }) => text),
  ];
  await clock.advance(1.5 * dayMs);
  await memory.remember(turnOf({ policy: undefined, conversation: "new" }, "two"));
  await clock.advance(dayMs);
  expect((await left())[0]).toEqual(["new"]);
  await longTerm.learn(owner, [{ kind: "fact", text: "Likes tea." }]);
  await clock.advance(2 * dayMs);
  expect(await left()).toEqual([[], ["Likes tea."]]);
  sweeper.close();
  await parts.worker.close();
});

test("an engine that is away is swept the next time", async () => {
  const parts = testMemory({ retention_days: 1 });
  let isAway = true;
  const conversations = new Proxy(parts.conversations, {
    get: (target, name) =>
      name === "expire" && isAway
        ? () => Promise.reject(new MemoryUnavailable("down"))
        : (Reflect.get(target, name) as (...args: never[]) => unknown).bind(target),
  });
  const told: string[] = [];
  const sweeper = new Sweeper({ ...parts, conversations, onError: (message) => void told.push(message) });
  await parts.memory.remember(turnOf({ policy: undefined }, "one"));
  await parts.clock.advance(2 * dayMs);
  expect(told.length).toBeGreaterThan(1);
  expect(await parts.memory.find("a", "c")).toBeDefined();
  isAway = false;
  await parts.clock.advance(2 * hourMs);
  expect(await parts.memory.find("a", "c")).toBeUndefined();
  sweeper.close();
});

test("with no retention everything stays", async () => {
  const parts = testMemory({ retention_days: 0, facts_retention_days: 0 });
  const sweeper = new Sweeper({ ...parts, onError: () => {} });
  await parts.memory.remember(turnOf({ policy: undefined }, "one"));
  await parts.clock.advance(100 * dayMs);
  expect(await sweeper.sweep()).toBe(0);
  expect(await parts.memory.find("a", "c")).toBeDefined();
  sweeper.close();
});
