import type { Redis } from "ioredis";
import { randomUUID } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { SqliteAccountStore } from "../auth/accounts/sqlite-account-store.ts";
import type { ClaimStore } from "../auth/admin-key.ts";
import type { AccountStore } from "../auth/accounts/account-store.ts";
import type { SharedLimits, SharedLimitsOptions } from "../auth/shared/shared-limits.ts";
import type { Environment } from "../config/environment.ts";
import type { ResponseCache } from "../gateway/cache/response-cache.ts";
import type { ConversationStore } from "../memory/contracts.ts";
import type { LoadedSettings } from "../config/load-settings.ts";
import { redisPassword } from "../config/secrets.ts";
import type { MetricSource } from "../schema/metrics.ts";
import { RedisMeter } from "./redis-meter.ts";
import type { SharedServices } from "./shared-services.ts";

type World = Pick<SharedServices, "dataDirectory" | "clock" | "logger">;

/** What a gateway shares with others through Redis. */
export interface OpenedRedis {
  accountStore(mirror: SqliteAccountStore): AccountStore;
  /** What only one of all gateways may do is claimed here. Fails within a bounded time while Redis does not answer. */
  readonly claims: ClaimStore;
  readonly limits: SharedLimits;
  readonly responses: ResponseCache;
  readonly conversations: ConversationStore;
  readonly meter: MetricSource;
  close(): void;
}

/**
 * Opens what is shared through Redis; undefined where none is configured, and the client is then not even loaded. Waits
 * for the connection, but not for long: a gateway starts without Redis, too.
 *
 * @throws {ConfigError} when the password is missing.
 */
export async function openRedis(
  { settings, directory }: LoadedSettings,
  environment: Environment,
  { dataDirectory, clock, logger }: World,
  spent: SharedLimitsOptions["spent"] = () => [],
): Promise<OpenedRedis | undefined> {
  const { redis } = settings;
  if (redis === undefined) return undefined;
  const [
    { connectRedis, connectSubscriber },
    { RedisAccountStore },
    { Holds },
    { SharedLimits },
    { RedisResponseCache },
    { RedisConversationStore },
  ] = await Promise.all([
    import("../auth/shared/redis-client.ts"),
    import("../auth/shared/redis-account-store.ts"),
    import("../auth/shared/holds.ts"),
    import("../auth/shared/shared-limits.ts"),
    import("../gateway/cache/redis-response-cache.ts"),
    import("../memory/redis-conversation-store.ts"),
  ]);
  const options = {
    host: redis.host,
    port: redis.port,
    username: redis.username,
    password: redisPassword(redis, { environment, directory }),
    database: redis.database,
    tls: redis.tls,
    commandTimeoutMs: redis.command_timeout_ms,
    connectTimeoutMs: redis.connect_timeout_ms,
  };
  const onError = (error: Error) => logger.debug("the connection to Redis failed", { error: error.message });
  const commands = connectRedis(options, onError);
  const subscriber = connectSubscriber(options, onError);
  const meter = new RedisMeter(commands, clock);
  await whenReady(commands, redis.connect_timeout_ms);
  const limits = new SharedLimits({
    holds: new Holds(commands, redis.prefix, nodeName(dataDirectory), randomUUID()),
    clock,
    spent,
    onState: (available, error) => {
      if (available) logger.info("Redis answers again");
      else {
        logger.warn(
          "Redis does not answer: limits hold for this gateway alone, and hard budgets are closed",
          {
            error: error instanceof Error ? error.message : error,
          },
        );
      }
    },
  });
  return {
    claims: {
      get: async (key) => await commands.get(`${redis.prefix}claim:${key}`) ?? undefined,
      set: async (key, value) => await commands.set(`${redis.prefix}claim:${key}`, value, "NX") === "OK",
    },
    limits,
    meter,
    responses: new RedisResponseCache(commands, redis.prefix),
    conversations: new RedisConversationStore({ redis: commands, clock, prefix: redis.prefix }),
    accountStore: (mirror) =>
      new RedisAccountStore({ redis: commands, subscriber, mirror, clock, prefix: redis.prefix }),
    close: () => {
      limits.close();
      commands.disconnect();
      subscriber.disconnect();
    },
  };
}

async function whenReady(redis: Redis, atMostMs: number): Promise<void> {
  if (redis.status === "ready") return;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, atMostMs);
    redis.once("ready", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

/** One name for as long as the books are kept: what they say was spent must not be counted under two. */
function nodeName(dataDirectory: string | undefined): string {
  if (dataDirectory === undefined) return randomUUID();
  const file = join(dataDirectory, "node-id");
  if (!existsSync(file)) writeFileSync(file, randomUUID(), { mode: 0o600 });
  return readFileSync(file, "utf8").trim();
}
