import { Redis, type RedisOptions } from "ioredis";

export interface RedisConnectionOptions {
  readonly host: string;
  readonly port: number;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  readonly database: number;
  readonly tls: boolean;
  /** Longest wait for one command, in milliseconds. */
  readonly commandTimeoutMs: number;
  readonly connectTimeoutMs: number;
}

/** Longest pause between two attempts to connect, in milliseconds. */
const longestReconnectMs = 1_000;

/**
 * A connection that never holds anybody up: the client's defaults would wait for ever for a server that is frozen or gone. It connects
 * by itself, now and again later.
 *
 * @param onError told of every failure of the connection; must not throw.
 */
export function connectRedis(options: RedisConnectionOptions, onError: (error: Error) => void): Redis {
  const redis = new Redis({ ...clientOptions(options), commandTimeout: options.commandTimeoutMs });
  redis.on("error", onError);
  return redis;
}

/** A connection for subscriptions, which wait for ever by their nature. */
export function connectSubscriber(options: RedisConnectionOptions, onError: (error: Error) => void): Redis {
  const redis = new Redis({ ...clientOptions(options), autoResubscribe: true });
  redis.on("error", onError);
  return redis;
}

function clientOptions(options: RedisConnectionOptions): Omit<RedisOptions, "replyMapping"> {
  const { host, port, username, password, database, tls, connectTimeoutMs } = options;
  return {
    host,
    port,
    db: database,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(tls ? { tls: {} } : {}),
    connectTimeout: connectTimeoutMs,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    retryStrategy: (times) => Math.min(50 * 2 ** Math.min(times, 8), longestReconnectMs),
    connectionName: "intellirouter",
  };
}
