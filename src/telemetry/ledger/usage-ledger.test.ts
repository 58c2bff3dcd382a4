import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import type { Decision } from "../../schema/decision.ts";
import { FakeClock } from "../../../test/support/fake-clock.ts";
import { temporaryFolder } from "../../../test/support/temporary-folder.ts";
import { testHost } from "../../../test/support/test-host.ts";
import { openLogFile } from "../../../test/support/log-file.ts";
import { UsageDatabase } from "./usage-database.ts";
import { UsageLedger } from "./usage-ledger.ts";
import type { BegunRequest } from "./usage-record.ts";

const day = 24 * 60 * 60 * 1000;

function decision(id: string, overrides: Partial<Decision> = {}): Decision {
  return {
    id,
    time: new Date(1_700_000_000_000).toISOString(),
    request_id: `req_${id}`,
    operation: "chat",
    model: "fast",
    principal: "app",
    team: "core",
    stream: false,
    policy: "p",
    candidates: [],
    attempts: [{ target: "cloud/gpt", outcome: "ok", start_ms: 0.5, duration_ms: 10 }],
    target: "cloud/gpt",
    outcome: "ok",
    status: 200,
    usage: {
      prompt_tokens: 100,
      completion_tokens: 20,
      cached_tokens: 40,
      cache_write_tokens: 10,
      reasoning_tokens: 5,
      estimated: false,
    },
    cost_usd: 0.000_123_456,
    timing: { queue_ms: 0.5, total_ms: 11, gateway_ms: 1 },
    ...overrides,
  };
}

function begun(id: string, nanodollars = 500_000): BegunRequest {
  return {
    id,
    time: 1_700_000_000_000,
    request_id: `req_${id}`,
    operation: "chat",
    model: "fast",
    target: "cloud/gpt",
    key: "app",
    team: "core",
    organisation: null,
    stream: true,
    input_tokens: 100,
    nanodollars,
  };
}

/** What the log in a folder says, without the zeros after it. */
function writtenIn(folder: string): string {
  const [name = ""] = readdirSync(folder).filter((file) => file.endsWith(".wal"));
  return readFileSync(join(folder, name), "utf8").replace(/\0+$/, "");
}

/** A ledger on a folder; opening it again without closing it is what a start after a crash is. */
function open(path: string | undefined, clock = new FakeClock(), database = memoryDatabase()) {
  const errors: string[] = [];
  const ledger = new UsageLedger({
    openLog: openLogFile,
    database,
    directory: path,
    slot: 0,
    clock,
    onError: (message) => errors.push(message),
    retentionMs: () => 30 * day,
  });
  return { ledger, database, errors, clock };
}

function memoryDatabase(): UsageDatabase {
  return new UsageDatabase(testHost().sqlite("usage"));
}

function ids(database: UsageDatabase): string[] {
  return [...database.records({})].map(({ id }) => id);
}

describe("the books", () => {
  test("hold a row for each request, a moment after it ended", async () => {
    const { ledger, database, clock } = open(undefined);
    ledger.settle(decision("a"));
    expect(ids(database)).toEqual([]);
    await clock.advance(250);
    const [record] = [...database.records({})];
    expect(record).toMatchObject({
      id: "a",
      key: "app",
      team: "core",
      organisation: null,
      target: "cloud/gpt",
      input_tokens: 100,
      cached_tokens: 40,
      cache_write_tokens: 10,
      output_tokens: 20,
      reasoning_tokens: 5,
      nanodollars: 123_456,
      stream: false,
      estimated: false,
      attempts: [{ target: "cloud/gpt", outcome: "ok", start_ms: 0.5, duration_ms: 10 }],
    });
    for (const scope of ["*", "key:app", "team:core"]) {
      expect(database.spent(scope, clock.now())).toEqual(
        ["2023-11", "2023-11-14", "total"].map((period) => ({ scope, period, nanodollars: 123_456 })),
      );
    }
    expect(database.spent("key:other", clock.now())).toEqual([]);
    expect(database.reconcile()).toEqual([]);
  });

  test("tell an unknown price from none", () => {
    const { ledger, database } = open(undefined);
    ledger.settle(decision("unknown", { cost_usd: undefined }));
    ledger.settle(
      decision("refused", { target: undefined, cost_usd: undefined, outcome: "error", status: 429 }),
    );
    ledger.flush();
    expect([...database.records({})].map(({ nanodollars }) => nanodollars)).toEqual([null, 0]);
    expect(database.sums({}, [])).toMatchObject([{ requests: 2, unpriced: 1, errors: 1, cost_usd: 0 }]);
  });

  test("are summed up by what is asked for", () => {
    const { ledger, database } = open(undefined);
    const times = [0, day, day].map((offset) => new Date(1_700_000_000_000 + offset).toISOString());
    times.forEach((time, index) =>
      ledger.settle(decision(`d${index}`, { time, principal: index === 2 ? "other" : "app" }))
    );
    ledger.flush();
    expect(
      database.sums({}, ["key", "day"]).map(({ group, requests, output_tokens }) => [
        group,
        requests,
        output_tokens,
      ]),
    )
      .toEqual([
        [{ key: "app", day: "2023-11-14" }, 1, 20],
        [{ key: "app", day: "2023-11-15" }, 1, 20],
        [{ key: "other", day: "2023-11-15" }, 1, 20],
      ]);
    expect(database.sums({ since: 1_700_000_000_000 + day, key: "app" }, [])[0]).toMatchObject({
      requests: 1,
    });
    expect(database.sums({ key: "nobody" }, [])).toEqual([]);
  });

  test("forget rows that are too old, and keep their sums", async () => {
    const { ledger, database, clock } = open(undefined);
    ledger.settle(decision("old"));
    ledger.flush();
    await clock.advance(31 * day);
    expect(ids(database)).toEqual([]);
    expect(database.spent("*", clock.now())).toContainEqual({
      scope: "*",
      period: "total",
      nanodollars: 123_456,
    });
    expect(database.reconcile()).toEqual([]);
  });

  test("show a sum that is wrong", () => {
    const host = testHost();
    const raw = host.sqlite("usage");
    const database = new UsageDatabase(raw);
    const { ledger } = open(undefined, new FakeClock(), database);
    ledger.settle(decision("a"));
    ledger.flush();
    raw.exec("UPDATE spent SET nanodollars = 1 WHERE scope = 'key:app' AND period = 'total'");
    raw.exec("INSERT INTO spent VALUES ('key:ghost', 'total', 7)");
    expect(database.reconcile()).toEqual([
      { scope: "key:app", period: "total", recorded: 1, summed: 123_456 },
      { scope: "key:ghost", period: "total", recorded: 7, summed: 0 },
    ]);
  });
});

describe("after a crash", () => {
  test("what had ended is booked, and what had not is lost at what was set aside for it", () => {
    using folder = temporaryFolder();
    const first = open(folder.path);
    first.ledger.begin(begun("ended"));
    first.ledger.begin(begun("running"));
    first.ledger.settle(decision("ended"));
    const { database } = open(folder.path);
    expect([...database.records({})].map(({ id, outcome, nanodollars, estimated }) => [
      id,
      outcome,
      nanodollars,
      estimated,
    ])).toEqual([["ended", "ok", 123_456, false], ["running", "lost", 500_000, true]]);
    expect(database.reconcile()).toEqual([]);
  });

  test("nothing is booked twice, however often it happens", () => {
    using folder = temporaryFolder();
    const database = memoryDatabase();
    const first = open(folder.path, new FakeClock(), database);
    first.ledger.begin(begun("running"));
    first.ledger.settle(decision("booked"));
    first.ledger.flush();
    first.ledger.settle(decision("waiting"));
    for (let crash = 0; crash < 3; crash++) open(folder.path, new FakeClock(), database);
    expect(ids(database)).toEqual(["booked", "waiting", "running"]);
    expect(database.reconcile()).toEqual([]);
  });

  test("a line that was cut short takes no other with it", () => {
    using folder = temporaryFolder();
    const first = open(folder.path);
    for (const id of ["a", "b", "c"]) first.ledger.settle(decision(id));
    using copy = temporaryFolder();
    copy.write("usage-0-0.wal", writtenIn(folder.path).slice(0, -10));
    expect(ids(open(copy.path).database)).toEqual(["a", "b"]);
  });

  test("a log cut at any byte gives the rows before the cut", () => {
    using folder = temporaryFolder();
    const first = open(folder.path);
    for (const id of ["a", "b"]) first.ledger.settle(decision(id));
    const text = writtenIn(folder.path);
    const lines = text.trimEnd().split("\n");
    fc.assert(fc.property(fc.integer({ min: 0, max: text.length }), fc.boolean(), (cut, zeros) => {
      using copy = temporaryFolder();
      copy.write("usage-0-0.wal", text.slice(0, cut) + (zeros ? "\u0000".repeat(100) : ""));
      const whole = lines.filter((_line, index) => lines.slice(0, index + 1).join("\n").length <= cut);
      expect(ids(open(copy.path).database)).toHaveLength(whole.length);
    }));
  });

  test("garbage in the log is left out", () => {
    using folder = temporaryFolder();
    const first = open(folder.path);
    first.ledger.settle(decision("a"));
    using copy = temporaryFolder();
    copy.write("usage-0-0.wal", `${writtenIn(folder.path)}\ufffd\u0000\n00000000 {"x":1}\n["end",{}]\n`);
    expect(ids(open(copy.path).database)).toEqual(["a"]);
  });

  test("a request that runs over many segments of the log is not forgotten", () => {
    using folder = temporaryFolder();
    const first = open(folder.path);
    first.ledger.begin(begun("long"));
    const long = "x".repeat(100_000);
    for (let index = 0; index < 300; index++) {
      first.ledger.settle(decision(`d${index}`, { user: long }));
      if (index % 50 === 49) first.ledger.flush();
    }
    expect(readdirSync(folder.path)).toHaveLength(1);
    const second = open(folder.path);
    expect([...second.database.records({})].find(({ id }) => id === "long")?.outcome).toBe("lost");
  });
});

test("a database that cannot be written loses nothing once it can again", async () => {
  const clock = new FakeClock();
  const database = memoryDatabase();
  const real = database.book.bind(database);
  let broken = true;
  database.book = (...given) => {
    if (broken) throw new Error("disk full");
    real(...given);
  };
  const { ledger, errors } = open(undefined, clock, database);
  ledger.settle(decision("a"));
  await clock.advance(300);
  expect([ledger.lag, errors.length]).toEqual([1, 1]);
  broken = false;
  ledger.settle(decision("b"));
  await clock.advance(1_000);
  expect([ids(database), ledger.lag]).toEqual([["a", "b"], 0]);
});
