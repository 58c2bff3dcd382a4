import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { connectRedis } from "../../src/auth/shared/redis-client.ts";
import { MemoryUnavailable } from "../../src/memory/contracts.ts";
import { RedisConversationStore } from "../../src/memory/redis-conversation-store.ts";
import { SqliteConversationStore } from "../../src/memory/sqlite-conversation-store.ts";
import { bounds, message, testConversationStore } from "../support/conversation-store-kit.ts";
import { type RedisServer, startRedis } from "../support/redis.ts";
import { testHost } from "../support/test-host.ts";

describe("sqlite", () => {
  testConversationStore((now) => new SqliteConversationStore(testHost().sqlite("memory"), { now }));
});

describe("redis", () => {
  let server: RedisServer;
  let redis: ReturnType<typeof connectRedis>;
  let stores = 0;
  beforeAll(async () => {
    server = await startRedis();
    redis = connectRedis({
      host: "127.0.0.1",
      port: server.port,
      database: 0,
      tls: false,
      commandTimeoutMs: 300,
      connectTimeoutMs: 300,
    }, () => {});
    await new Promise<void>((resolve) => redis.once("ready", () => resolve()));
  });
  afterAll(async () => {
    redis.disconnect();
    await server.stop();
  });

  const open = (now: () => number = Date.now) =>
    new RedisConversationStore({ redis, clock: { now }, prefix: `test${++stores}:` });

  testConversationStore(open);

  test("what nobody adds to goes by itself, and the index with it", async () => {
    const store = open();
    await store.append("a", "c", [message("m")], { ...bounds, retentionMs: 50 }, { user: undefined });
    expect(await store.list("a", { limit: 9 })).toHaveLength(1);
    await Bun.sleep(120);
    expect([await store.find("a", "c"), await store.list("a", { limit: 9 })]).toEqual([undefined, []]);
    expect(await store.tenants()).toEqual([]);
  });

  test("a server that is frozen or gone is waited for no longer than was said", async () => {
    const store = open();
    server.freeze();
    const startedAt = performance.now();
    const error = await store.find("a", "c").catch((failure) => failure);
    server.thaw();
    expect(error).toBeInstanceOf(MemoryUnavailable);
    expect(performance.now() - startedAt).toBeLessThan(2_000);
  });
});
