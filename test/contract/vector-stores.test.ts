import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { VectorStore } from "intellirouter/plugin";
import { testVectorStore } from "intellirouter/plugin/testing";
import chroma from "../../plugins/vectors/chroma.ts";
import sqlite from "../../plugins/vectors/sqlite.ts";
import { join } from "node:path";
import { openSqlite } from "../../src/runtime/sqlite.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { type ChromaServer, startChroma } from "../support/chroma.ts";
import { testHost } from "../support/test-host.ts";

describe("sqlite", () => {
  testVectorStore({ describe, test, expect }, {
    make: () => sqlite.create(sqlite.options.parse({}), testHost()) as VectorStore,
  });
});

describe("sqlite without memory for vectors", () => {
  testVectorStore({ describe, test, expect }, {
    make: () => sqlite.create({ memory_bytes: 1 }, testHost()) as VectorStore,
  });
});

test("sqlite: what another process has written is found", async () => {
  using folder = temporaryFolder();
  const open = () =>
    sqlite.create(
      sqlite.options.parse({}),
      testHost({ sqlite: () => openSqlite(join(folder.path, "vectors.sqlite")) }),
    ) as VectorStore;
  const [one, two] = [open(), open()];
  const record = (id: string) => ({
    id,
    text: "",
    attributes: {},
    vector: { space: "s", values: Float32Array.from([1, 0]) },
  });
  const ids = async (store: VectorStore) =>
    (await store.query("a", { vector: record("").vector, limit: 9 })).map(({ id }) => id);
  await one.upsert("a", [record("1")]);
  expect([await ids(one), await ids(two)]).toEqual([["1"], ["1"]]);
  await two.upsert("a", [record("2")]);
  await one.delete("a", { ids: ["1"] });
  expect([await ids(one), await ids(two)]).toEqual([["2"], ["2"]]);
  await one.close?.();
  await two.close?.();
});

describe("chroma", () => {
  let server: ChromaServer;
  let stores = 0;
  beforeAll(async () => {
    server = await startChroma();
  });
  afterAll(() => server.stop());

  const open = (more = {}) =>
    chroma.create(
      chroma.options.parse({ host: "127.0.0.1", port: server.port, prefix: `test-${++stores}`, ...more }),
      testHost(),
    ) as Promise<VectorStore>;

  testVectorStore({ describe, test, expect }, {
    make: () => open(),
    skip: [{
      reason: "the server finds texts by their vectors alone",
      tests: ["texts are found by their words"],
    }],
  });

  const record = {
    id: "one",
    text: "text",
    attributes: {},
    vector: { space: "s", values: new Float32Array(2) },
  };

  test("a record without a vector is refused", async () => {
    const store = await open();
    const { vector: _vector, ...plain } = record;
    expect(await store.upsert("a", [plain]).catch((error) => error)).toBeInstanceOf(TypeError);
  });

  test("a server that is frozen is waited for no longer than was said", async () => {
    const store = await open({ timeout_ms: 200 });
    await store.upsert("a", [record]);
    server.freeze();
    try {
      const startedAt = performance.now();
      const error = await store.query("a", { vector: record.vector, limit: 1 }).catch((failure) => failure);
      expect(String(error)).toContain("200 ms");
      expect(performance.now() - startedAt).toBeLessThan(2_000);
    } finally {
      server.thaw();
    }
    expect(await store.query("a", { vector: record.vector, limit: 1 })).toHaveLength(1);
  });

  test("a server that is not there is an error at once", async () => {
    const store = await open({ port: 1 });
    const query = store.query("a", { vector: record.vector, limit: 1 });
    expect(await query.catch((error) => error)).toBeInstanceOf(Error);
  });
});
