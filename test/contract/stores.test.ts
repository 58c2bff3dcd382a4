import { describe, expect, test } from "bun:test";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { testStore } from "intellirouter/plugin/testing";
import type { Store } from "intellirouter/plugin";
import memory from "../../plugins/stores/memory.ts";
import sqlite from "../../plugins/stores/sqlite.ts";
import { openSqlite } from "../../src/runtime/sqlite.ts";
import { testHost } from "../support/test-host.ts";

describe("memory", () => {
  testStore({ describe, test, expect }, {
    make: (now) => memory.create({}, testHost({ now })) as Store,
  });
});

describe("sqlite", () => {
  testStore({ describe, test, expect }, {
    make: (now) => sqlite.create({}, testHost({ now })) as Store,
  });

  test("entries outlive the process that wrote them", async () => {
    const path = join(mkdtempSync(join(tmpdir(), "intellirouter-")), "store.sqlite");
    const open = () => sqlite.create({}, testHost({ sqlite: () => openSqlite(path) })) as Store;
    const first = open();
    await first.set("key", "value");
    await first.close?.();
    const second = open();
    expect(await second.get("key")).toBe("value");
    await second.close?.();
  });
});
