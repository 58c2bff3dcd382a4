import { describe, expect, test } from "bun:test";
import type { Strategy } from "intellirouter/plugin";
import { LRUCache } from "lru-cache";
import {
  makeStrategy,
  order,
  outcome,
  request,
  seededRandom,
  target,
} from "../../test/support/strategy-fixtures.ts";
import leastBusy from "./least-busy.ts";
import prefixTokens from "./prefix-tokens.ts";
import weighted from "./weighted.ts";

const block = 64;
const small = { block_characters: block, cached_blocks: 1_000 };
const targets = ["a", "b", "c", "d"].map((id) => target(id));
const text = (name: string, blocks: number) => `${name}:`.repeat(block).slice(0, block).repeat(blocks);
const asking = (prompt: string) => request({ promptTokens: prompt.length / 4, prompt: () => prompt });

describe("prefix-tokens", () => {
  test("a prompt goes back to where its beginning was computed", () => {
    const strategy = makeStrategy(prefixTokens, small);
    const firsts = new Map(
      ["x", "y", "z"].map((name) => [name, order(strategy, targets, asking(text(name, 20)))[0]]),
    );
    for (let round = 0; round < 10; round++) {
      for (const [name, first] of firsts) {
        expect(order(strategy, targets, asking(text(name, 20) + text(`end${round}`, 2)))[0]).toBe(first!);
      }
    }
  });

  test("the longer common beginning wins", () => {
    const strategy = makeStrategy(prefixTokens, small);
    const system = text("system", 10);
    const tell = (id: string, prompt: string) =>
      strategy.onOutcome!(outcome(id, { request: asking(prompt) }));
    for (const { id } of targets) tell(id, system);
    tell("c", system + text("history", 5));
    expect(order(strategy, targets, asking(system + text("history", 5) + text("question", 1)))[0]).toBe("c");
  });

  test("equal blocks behind a different beginning are not the same", () => {
    const strategy = makeStrategy(prefixTokens, small);
    strategy.onOutcome!(outcome("c", { request: asking(text("one", 1) + text("same", 30)) }));
    const ranked = strategy.rank(targets, asking(text("two", 1) + text("same", 30)));
    expect(new Set(ranked.map(({ score }) => score)).size).toBe(1);
  });

  test("a single changed character anywhere is a different beginning, for blocks of any size", () => {
    for (const size of [64, 65]) {
      const strategy = makeStrategy(prefixTokens, { block_characters: size });
      const prompt = "abcdefgh".repeat(33);
      strategy.onOutcome!(outcome("c", { request: asking(prompt) }));
      const best = (text: string) =>
        strategy.rank(targets, asking(text)).find(({ id }) => id === "c")!.score!;
      const same = best(prompt);
      for (let position = 0; position < size; position++) {
        for (const character of ["\u0000", "i", "\u2603", "\uffff"]) {
          expect(best(prompt.slice(0, position) + character + prompt.slice(position + 1))).toBeLessThan(same);
        }
      }
    }
  });

  test("load outweighs affinity when the queue is longer than what the cache saves", () => {
    const strategy = makeStrategy(prefixTokens, small);
    const prompt = text("x", 20);
    const [home] = order(strategy, targets, asking(prompt));
    const busy = (tokens: number) =>
      targets.map((one) => one.id === home ? { ...one, outstandingTokens: tokens } : one);
    const saved = 20 * block / 4;
    expect(order(strategy, busy(saved - 10), asking(prompt))[0]).toBe(home);
    expect(order(strategy, busy(saved + 10), asking(prompt))[0]).not.toBe(home);
  });

  test("a failed attempt does not fill the target's cache, a fallback's success does", () => {
    const strategy = makeStrategy(prefixTokens, small);
    const asked = asking(text("x", 20));
    strategy.onOutcome!(outcome("b", { ok: false, error: "unavailable", request: asked }));
    expect(new Set(strategy.rank(targets, asking("")).map(({ score }) => score)).size).toBe(1);
    strategy.onOutcome!(outcome("d", { request: asked }));
    expect(order(strategy, targets, asking(text("x", 20)))[0]).toBe("d");
  });

  test("the oldest blocks are forgotten first", () => {
    const strategy = makeStrategy(prefixTokens, { block_characters: block, cached_blocks: 16 });
    const tell = (prompt: string) => strategy.onOutcome!(outcome("c", { request: asking(prompt) }));
    const score = (prompt: string) => {
      const ranked = strategy.rank(targets, asking(prompt));
      const of = (id: string) => ranked.find((entry) => entry.id === id)!.score!;
      return of("c") - of("a");
    };
    tell(text("old", 10));
    tell(text("new", 10));
    tell(text("newer", 10));
    // Asking remembers the prompt where it went first; what is forgotten is therefore asked last.
    expect(score(text("newer", 10))).toBe(10 * block / 4);
    expect(score(text("old", 10))).toBe(0);
  });

  test("a prompt is made and hashed once for a request, however many attempts it has", () => {
    const strategy = makeStrategy(prefixTokens, small);
    let made = 0;
    const asked = request({
      prompt: () => {
        made++;
        return text("x", 5);
      },
    });
    strategy.rank(targets, asked);
    for (const { id } of targets) strategy.onOutcome!(outcome(id, { request: asked }));
    expect(made).toBe(1);
  });
});

/**
 * Conversations on four replicas, each with a prefix cache, a queue and a speed of its own: a request costs the tokens that
 * are not cached. Simplified (serial prefill, no batching), so it ranks strategies and promises no figures.
 */
function simulate(
  strategy: Strategy,
  seed: number,
): { readonly meanWait: number; readonly hitShare: number } {
  const random = seededRandom(seed);
  const tokensPerMs = 9;
  const replicas = new Map(
    targets.map(({ id }) => [id, { freeAt: 0, cache: new LRUCache<string, true>({ max: 1_200 }) }]),
  );
  const running: { id: string; doneAt: number; tokens: number }[] = [];
  const conversations = Array.from({ length: 60 }, (_, index) => ({ index, turns: 0 }));
  let now = 0;
  let waited = 0;
  let hits = 0;
  let blocks = 0;
  const requests = 2_000;
  for (let count = 0; count < requests; count++) {
    now += -Math.log(1 - random()) * 100;
    const conversation = conversations[Math.floor(random() * conversations.length)]!;
    conversation.turns = conversation.turns >= 20 ? 1 : conversation.turns + 1;
    // Each turn adds 4 blocks of 256 characters to what was said before: 64 tokens a block.
    const names = Array.from(
      { length: 4 + 4 * conversation.turns },
      (_, index) => `${conversation.index}/${index}`,
    );
    const prompt = names.map((name) => `${name}:`.repeat(256).slice(0, 256)).join("");
    for (let index = running.length - 1; index >= 0; index--) {
      if (running[index]!.doneAt <= now) running.splice(index, 1);
    }
    const seen = targets.map((one) => ({
      ...one,
      outstandingTokens: running.filter(({ id }) => id === one.id).reduce(
        (sum, { tokens }) => sum + tokens,
        0,
      ),
    }));
    const asked = request({ promptTokens: prompt.length / 4, prompt: () => prompt });
    const id = strategy.rank(seen, asked)[0]!.id;
    const replica = replicas.get(id)!;
    let cached = 0;
    while (cached < names.length && replica.cache.has(names[cached]!)) cached++;
    for (const name of names) replica.cache.set(name, true);
    const begin = Math.max(now, replica.freeAt);
    replica.freeAt = begin + (names.length - cached) * 64 / tokensPerMs;
    running.push({ id, doneAt: replica.freeAt, tokens: asked.promptTokens });
    waited += replica.freeAt - now;
    hits += cached;
    blocks += names.length;
    strategy.onOutcome?.(
      outcome(id, { request: asked, promptTokens: asked.promptTokens, totalMs: replica.freeAt - now }),
    );
  }
  return { meanWait: waited / requests, hitShare: hits / blocks };
}

test("on conversations it waits less and computes less anew than chance and than counting tokens", () => {
  const prefix = simulate(makeStrategy(prefixTokens, { block_characters: 256, cached_blocks: 1_200 }), 1);
  const chance = simulate(makeStrategy(weighted), 1);
  const tokens = simulate(makeStrategy(leastBusy), 1);
  expect(prefix.meanWait).toBeLessThan(chance.meanWait * 0.5);
  expect(prefix.meanWait).toBeLessThan(tokens.meanWait);
  expect(prefix.hitShare).toBeGreaterThan(chance.hitShare * 1.5);
});

test("it does not send everything to one target, though all prompts begin alike", () => {
  const strategy = makeStrategy(prefixTokens, small);
  const system = text("system", 50);
  const outstanding = new Map(targets.map(({ id }) => [id, 0]));
  for (let count = 0; count < 400; count++) {
    const now = targets.map((one) => ({ ...one, outstandingTokens: outstanding.get(one.id)! }));
    const [first] = order(strategy, now, asking(system + text(`question${count}`, 2)));
    outstanding.set(first!, outstanding.get(first!)! + 52 * block / 4);
  }
  const total = [...outstanding.values()].reduce((sum, tokens) => sum + tokens);
  for (const tokens of outstanding.values()) expect(tokens / total).toBeLessThan(0.3);
});
