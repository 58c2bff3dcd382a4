import { describe, expect, test } from "bun:test";
import { FakeClock } from "../../test/support/fake-clock.ts";
import { testHost } from "../../test/support/test-host.ts";
import type { Decision } from "../schema/decision.ts";
import { DecisionLog } from "./decision-log.ts";

function decision(clock: FakeClock, id: string, overrides: Partial<Decision> = {}): Decision {
  return {
    id,
    time: new Date(clock.now()).toISOString(),
    request_id: "req",
    operation: "chat",
    model: "fast",
    principal: "app",
    stream: false,
    policy: "p",
    candidates: [],
    attempts: [],
    outcome: "ok",
    status: 200,
    timing: { queue_ms: 0, total_ms: 1, gateway_ms: 0 },
    ...overrides,
  };
}

function setUp(options: { maxRecords?: number; maxAgeMs?: number } = {}) {
  const clock = new FakeClock();
  const database = testHost().sqlite("decisions");
  const errors: number[] = [];
  const log = new DecisionLog({
    database,
    clock,
    maxRecords: options.maxRecords ?? 100,
    maxAgeMs: options.maxAgeMs ?? 0,
    onError: (_error, lost) => errors.push(lost),
  });
  return { clock, log, database, errors };
}

describe("decision log", () => {
  test("a record can be read the moment it is made", () => {
    const { clock, log } = setUp();
    const made = decision(clock, "dec_1", { target: "cloud/gpt", cost_usd: 0.25 });
    log.record(made);
    expect(log.get("dec_1")).toEqual(made);
    expect(log.get("dec_2")).toBeUndefined();
  });

  test("records are written in groups, without being asked for", async () => {
    const { clock, log, database } = setUp();
    for (let index = 0; index < 10; index++) log.record(decision(clock, `dec_${index}`));
    const stored = () =>
      database.prepare("SELECT coalesce(sum(count), 0) AS n FROM decision_groups").get()?.n;
    expect(stored()).toBe(0);
    await clock.advance(200);
    expect(stored()).toBe(10);
    expect(clock.pending).toBe(0);
  });

  test("a listing is newest first, filtered, and pages without gap or repeat", () => {
    const { clock, log } = setUp();
    for (let index = 0; index < 25; index++) {
      log.record(decision(clock, `dec_${index}`, { model: index % 2 === 0 ? "even" : "odd" }));
    }
    expect(log.list({ limit: 3 }).map(({ id }) => id)).toEqual(["dec_24", "dec_23", "dec_22"]);
    const seen: string[] = [];
    let page = log.list({ limit: 4, model: "even" });
    while (page.length > 0) {
      seen.push(...page.map(({ id }) => id));
      page = log.list({ limit: 4, model: "even", before: page.at(-1)!.id });
    }
    expect(seen).toEqual(Array.from({ length: 13 }, (_, index) => `dec_${24 - 2 * index}`));
  });

  test("the oldest go when there are too many", () => {
    const { clock, log } = setUp({ maxRecords: 10 });
    for (let batch = 0; batch < 60; batch++) {
      log.record(decision(clock, `dec_${batch}`));
      log.flush();
    }
    expect(log.list({ limit: 1000 })).toHaveLength(10);
    expect(log.get("dec_0")).toBeUndefined();
    expect(log.get("dec_59")).toBeDefined();
  });

  test("the old go when their time is up", async () => {
    const { clock, log } = setUp({ maxAgeMs: 1_000, maxRecords: 10_000 });
    log.record(decision(clock, "dec_old"));
    await clock.advance(2_000);
    for (let batch = 0; batch < 60; batch++) {
      log.record(decision(clock, `dec_${batch}`));
      log.flush();
    }
    expect(log.get("dec_old")).toBeUndefined();
    expect(log.get("dec_0")).toBeDefined();
  });

  test("nothing is kept when nothing may be kept", () => {
    const { clock, log } = setUp({ maxRecords: 0 });
    log.record(decision(clock, "dec_1"));
    expect(log.get("dec_1")).toBeUndefined();
  });

  test("a disk that fails loses nothing while it is short, and never throws", () => {
    const { clock, log, database, errors } = setUp();
    database.exec("ALTER TABLE decision_groups RENAME TO away");
    log.record(decision(clock, "dec_1"));
    log.flush();
    expect(errors).toEqual([0]);
    database.exec("ALTER TABLE away RENAME TO decision_groups");
    log.flush();
    expect(log.get("dec_1")?.id).toBe("dec_1");
  });
});
