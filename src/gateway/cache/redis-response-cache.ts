import type { Redis } from "ioredis";
import { ApiError } from "../../lib/api-error.ts";
import type { CachedAnswer, ResponseCache } from "./response-cache.ts";

/** Answers in Redis, for many gateways. When Redis does not answer, nothing is cached and nobody waits. */
export class RedisResponseCache implements ResponseCache {
  readonly #redis: Redis;
  readonly #prefix: string;

  constructor(redis: Redis, prefix: string) {
    this.#redis = redis;
    this.#prefix = `${prefix}cache:`;
  }

  async get(key: string): Promise<CachedAnswer | undefined> {
    try {
      const text = await this.#redis.get(this.#prefix + key);
      return text === null ? undefined : JSON.parse(text) as CachedAnswer;
    } catch {
      return undefined;
    }
  }

  set(key: string, answer: CachedAnswer, ttlMs: number): void {
    this.#redis.set(this.#prefix + key, JSON.stringify(answer), "PX", ttlMs).catch(nothing);
  }

  /** @throws {ApiError} 503 when Redis does not answer. */
  async clear(): Promise<void> {
    try {
      await this.#clear();
    } catch (error) {
      throw new ApiError({
        status: 503,
        code: "store_unavailable",
        message:
          "Redis, which keeps the answers, does not answer; some may still be there. Try again shortly.",
        retryAfterMs: 1_000,
        cause: error,
      });
    }
  }

  async #clear(): Promise<void> {
    let cursor = "0";
    do {
      const [next, keys] = await this.#redis.scan(cursor, "MATCH", `${this.#prefix}*`, "COUNT", 500);
      if (keys.length > 0) await this.#redis.unlink(...keys);
      cursor = next;
    } while (cursor !== "0");
  }
}

const nothing = (): void => {};
