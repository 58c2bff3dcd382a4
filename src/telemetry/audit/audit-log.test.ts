import { describe, expect, test } from "bun:test";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { FakeClock } from "../../../test/support/fake-clock.ts";
import { temporaryFolder } from "../../../test/support/temporary-folder.ts";
import type { AuditEntry } from "../../schema/telemetry-event.ts";
import { DatabaseSync } from "node:sqlite";
import type { Database, DatabaseStatement } from "../../plugin/api/host.ts";
import { hashOf } from "./audit-chain.ts";
import { AuditLog } from "./audit-log.ts";
import { headFile } from "./head-file.ts";

/** The driver that the gateway uses lives in a layer that this one may not reach. */
function open(path: string): Database & { readonly raw: DatabaseSync } {
  const raw = new DatabaseSync(path);
  return {
    raw,
    prepare: (sql) => raw.prepare(sql) as unknown as DatabaseStatement,
    exec: (sql) => raw.exec(sql),
    transaction: (work) => {
      raw.exec("BEGIN IMMEDIATE");
      const result = work();
      raw.exec("COMMIT");
      return result;
    },
    close: () => raw.close(),
  };
}

function make(folder: string, onEntry?: (entry: AuditEntry) => void) {
  const database = open(join(folder, "audit.sqlite"));
  const head = join(folder, "audit.head.json");
  const log = new AuditLog({
    database,
    heads: headFile(head),
    clock: new FakeClock(),
    ...(onEntry === undefined ? {} : { onEntry }),
  });
  return { log, database, head };
}

function filled(folder: string) {
  const made = make(folder);
  for (let index = 1; index <= 5; index++) {
    made.log.record({
      actor: "admin",
      action: "key.create",
      resource: `key:${index}`,
      details: { index, nested: { b: 1, a: [1, null] } },
    });
  }
  return made;
}

test("entries are chained, listed newest first, and told to whoever listens", () => {
  using folder = temporaryFolder();
  const told: AuditEntry[] = [];
  const { log } = make(folder.path, (entry) => told.push(entry));
  log.record({ actor: "gateway", action: "gateway.start", resource: "gateway" });
  log.record({
    actor: "admin",
    action: "key.create",
    resource: "key:1",
    outcome: "failed",
    details: { team: "a" },
  });
  const [second, first] = log.list({ limit: 10 });
  expect([first!.sequence, second!.sequence]).toEqual([1, 2]);
  expect(second!.previous_hash).toBe(first!.hash);
  expect(second!).toMatchObject({ outcome: "failed", details: { team: "a" } });
  expect(told).toEqual([first!, second!]);
  expect(log.list({ limit: 10, before: 2 })).toEqual([first!]);
  expect(log.list({ limit: 10, action: "key.create" })).toEqual([second!]);
  expect(log.verify()).toMatchObject({ ok: true, entries: 2, problems: [] });
});

test("what JSON cannot hold does not break the chain", () => {
  using folder = temporaryFolder();
  const { log } = make(folder.path);
  log.record({
    actor: "a",
    action: "b",
    resource: "c",
    details: { gone: undefined, date: new Date(0), not: Number.NaN },
  });
  expect(log.verify().ok).toBe(true);
});

test("two processes write one chain", () => {
  using folder = temporaryFolder();
  const [one, other] = [make(folder.path).log, make(folder.path).log];
  for (let index = 0; index < 4; index++) {
    (index % 2 === 0 ? one : other).record({ actor: "a", action: "b", resource: String(index) });
  }
  expect(one.verify()).toMatchObject({ ok: true, entries: 4 });
});

describe("tampering is found", () => {
  const changes: readonly [
    name: string,
    change: (database: DatabaseSync, head: string) => void,
    says: string,
  ][] = [
    ...["time", "actor", "action", "resource", "outcome", "details", "hash"].map((
      column,
    ): [string, (database: DatabaseSync) => void, string] => [
      `a changed ${column}`,
      (database) => database.exec(`UPDATE audit SET ${column} = '{"x":1}' WHERE sequence = 3`),
      "entry 3 was changed",
    ]),
    [
      "a changed hash before",
      (database) => database.exec("UPDATE audit SET previous_hash = 'x' WHERE sequence = 3"),
      "entry 3 does not follow",
    ],
    [
      "a changed order",
      (database) => database.exec("UPDATE audit SET sequence = sequence + 10 WHERE sequence = 5"),
      "entry 5 is missing",
    ],
    [
      "an entry taken out of the middle",
      (database) => database.exec("DELETE FROM audit WHERE sequence = 2"),
      "entry 2 is missing",
    ],
    [
      "the first entry taken away",
      (database) => database.exec("DELETE FROM audit WHERE sequence = 1"),
      "entry 1 is missing",
    ],
    [
      "the end cut off",
      (database) => database.exec("DELETE FROM audit WHERE sequence > 3"),
      "the end was cut off",
    ],
    ["everything taken away", (database) => database.exec("DELETE FROM audit"), "the end was cut off"],
    ["the head file taken away", (_database, head) => rmSync(head), "the head file is missing"],
    [
      "the head file made unreadable",
      (_database, head) => writeFileSync(head, "{"),
      "the head file is missing",
    ],
    [
      "a chain made anew from one entry on",
      (database) => {
        database.exec("UPDATE audit SET actor = 'somebody-else' WHERE sequence = 5");
        const row = database.prepare("SELECT * FROM audit WHERE sequence = 5").get()! as Record<
          string,
          unknown
        >;
        const { hash: _hash, details, ...rest } = row;
        const hash = hashOf({ ...rest, details: JSON.parse(String(details)) } as never);
        database.prepare("UPDATE audit SET hash = ? WHERE sequence = 5").run(hash);
      },
      "entry 5 is another than the one that the head file has seen",
    ],
  ];
  for (const [name, change, says] of changes) {
    test(name, () => {
      using folder = temporaryFolder();
      const { log, database, head } = filled(folder.path);
      change(database.raw, head);
      const verdict = log.verify();
      expect(verdict.ok).toBe(false);
      expect(verdict.problems.join("\n")).toContain(says);
    });
  }

  test("what is recorded after it does not cover it up", () => {
    using folder = temporaryFolder();
    const { log, database } = filled(folder.path);
    database.raw.exec("DELETE FROM audit WHERE sequence > 3");
    for (let index = 4; index <= 6; index++) {
      log.record({ actor: "admin", action: "key.create", resource: `key:${index}` });
    }
    expect(log.verify()).toMatchObject({
      ok: false,
      problems: ["entry 5 is another than the one that the head file has seen"],
    });
  });

  test("who makes log and head anew is found out by a head that was noted elsewhere", () => {
    using folder = temporaryFolder();
    const { log, database, head } = filled(folder.path);
    const noted = log.head();
    database.raw.exec("DELETE FROM audit WHERE sequence > 3");
    writeFileSync(head, JSON.stringify(log.head()));
    log.record({ actor: "forger", action: "key.create", resource: "key:4" });
    log.record({ actor: "forger", action: "key.create", resource: "key:5" });
    expect(log.verify().ok).toBe(true);
    expect(log.verify(noted)).toMatchObject({
      ok: false,
      problems: ["entry 5 is another than the one that the given head has seen"],
    });
  });
});

test("a head that is behind, as a crash leaves it, is no tampering", () => {
  using folder = temporaryFolder();
  const { log, head } = filled(folder.path);
  const [, fourth] = log.list({ limit: 2 });
  writeFileSync(head, JSON.stringify({ count: 4, hash: fourth!.hash }));
  expect(log.verify().ok).toBe(true);
});
