import type { Redis } from "ioredis";
import type { Clock, TimerHandle } from "../../lib/clock.ts";
import { ApiError } from "../../lib/api-error.ts";
import {
  AccountConflict,
  type AccountKind,
  type AccountRecords,
  type AccountSnapshot,
  type AccountStore,
} from "../accounts/account-store.ts";
import type { SqliteAccountStore } from "../accounts/sqlite-account-store.ts";

export interface RedisAccountStoreOptions {
  readonly redis: Redis;
  /** Hears of changes. */
  readonly subscriber: Redis;
  /** A copy on this machine: what is known when Redis is not there, and what it is given back when it has lost everything. */
  readonly mirror: SqliteAccountStore;
  readonly clock: Clock;
  readonly prefix: string;
}

const kinds: readonly AccountKind[] = ["key", "team", "organisation"];
/** How often it is asked for changes beside being told: a message can be lost. */
const pollMs = 500;
/** Without a word from Redis for so long, there may be keys that are not known here, in milliseconds. */
const completeForMs = 3_000;

/**
 * Sets a record if it follows the one that is there, counts the change, and tells everybody.
 * KEYS: hash of records, epoch. ARGV: id, version, record, channel, "restore" to take any newer version.
 */
const saveScript = `
local known = redis.call("HGET", KEYS[1], ARGV[1])
local version = known and cjson.decode(known).version or 0
local wanted = tonumber(ARGV[2])
if ARGV[5] == "restore" then
  if version >= wanted then return 0 end
elseif version ~= wanted - 1 then return 0 end
redis.call("HSET", KEYS[1], ARGV[1], ARGV[3])
redis.call("INCR", KEYS[2])
redis.call("PUBLISH", ARGV[4], ARGV[1])
return 1`;

/**
 * Accounts in Redis, for many machines. Every node keeps a copy: without Redis keys go on to work as they were, and a Redis that has
 * lost its memory gets everything back from the copies, revocations included, since the newest version of a record wins.
 */
export class RedisAccountStore implements AccountStore {
  readonly #options: RedisAccountStoreOptions;
  readonly #epochKey: string;
  readonly #channel: string;
  /** As of the last reading; empty where Redis knows of none. */
  #epoch = "";
  #timer: TimerHandle | undefined;
  #closed = false;
  /** When Redis was last heard of; monotonic, in milliseconds. */
  #heardAt = -Infinity;

  constructor(options: RedisAccountStoreOptions) {
    this.#options = options;
    // One slot of a cluster for all of it: a script may only touch keys of one.
    this.#epochKey = `${options.prefix}{accounts}:epoch`;
    this.#channel = `${options.prefix}accounts`;
  }

  get isComplete(): boolean {
    return this.#options.clock.monotonic() - this.#heardAt < completeForMs;
  }

  /** Everything, from wherever the newest is. Never fails for want of Redis. */
  async load(): Promise<AccountSnapshot> {
    const { mirror } = this.#options;
    const local = await mirror.load();
    let remote: AccountSnapshot;
    try {
      remote = await this.#read();
    } catch {
      return local;
    }
    this.#heardAt = this.#options.clock.monotonic();
    return {
      keys: await this.#merge("key", local.keys, remote.keys),
      teams: await this.#merge("team", local.teams, remote.teams),
      organisations: await this.#merge("organisation", local.organisations, remote.organisations),
    };
  }

  async save<Kind extends AccountKind>(kind: Kind, record: AccountRecords[Kind]): Promise<void> {
    let saved: boolean;
    try {
      saved = await this.#write(kind, record, "");
    } catch (error) {
      throw new ApiError({
        status: 503,
        code: "store_unavailable",
        message: "Redis, which keeps the accounts, does not answer; nothing was changed. Try again shortly.",
        retryAfterMs: 1_000,
        cause: error,
      });
    }
    if (!saved) throw new AccountConflict(`the ${kind} ${record.id} has been changed in the meantime`);
    this.#options.mirror.put(kind, record);
  }

  watch(onChange: () => void): void {
    const { subscriber, clock } = this.#options;
    subscriber.on("message", () => onChange());
    const subscribe = () => void subscriber.subscribe(this.#channel).catch(() => {});
    subscriber.on("ready", subscribe);
    if (subscriber.status === "ready") subscribe();
    const poll = async () => {
      try {
        const epoch = await this.#options.redis.get(this.#epochKey) ?? "";
        // A lost epoch is a change, too: Redis has forgotten, and is told anew.
        const wasAway = !this.isComplete;
        if (epoch !== this.#epoch || wasAway) onChange();
        else this.#heardAt = clock.monotonic();
      } catch {
        // It is asked again soon.
      }
      if (!this.#closed) this.#timer = clock.setTimeout(() => void poll(), pollMs);
    };
    this.#timer = clock.setTimeout(() => void poll(), pollMs);
  }

  close(): void {
    this.#closed = true;
    if (this.#timer !== undefined) this.#options.clock.clearTimeout(this.#timer);
    this.#options.mirror.close();
  }

  async #read(): Promise<AccountSnapshot> {
    const { redis } = this.#options;
    // Before the records: a change in between is then seen as one.
    const epoch = await redis.get(this.#epochKey) ?? "";
    const [keys, teams, organisations] = await Promise.all(
      kinds.map(async (kind) =>
        Object.values(await redis.hgetall(this.#hashOf(kind))).map((text) => JSON.parse(text))
      ),
    );
    this.#epoch = epoch;
    return { keys: keys!, teams: teams!, organisations: organisations! };
  }

  async #merge<Kind extends AccountKind>(
    kind: Kind,
    local: readonly AccountRecords[Kind][],
    remote: readonly AccountRecords[Kind][],
  ): Promise<AccountRecords[Kind][]> {
    const newest = new Map(remote.map((record) => [record.id, record]));
    for (const record of local) {
      const known = newest.get(record.id);
      if (known !== undefined && known.version > record.version) continue;
      newest.set(record.id, record);
      if (known?.version === record.version) continue;
      await this.#write(kind, record, "restore").catch(() => {});
    }
    const versions = new Map(local.map(({ id, version }) => [id, version]));
    for (const record of newest.values()) {
      if ((versions.get(record.id) ?? 0) < record.version) this.#options.mirror.put(kind, record);
    }
    return [...newest.values()];
  }

  async #write<Kind extends AccountKind>(
    kind: Kind,
    record: AccountRecords[Kind],
    mode: string,
  ): Promise<boolean> {
    const { redis } = this.#options;
    const changed = await redis.eval(
      saveScript,
      2,
      this.#hashOf(kind),
      this.#epochKey,
      record.id,
      String(record.version),
      JSON.stringify(record),
      this.#channel,
      mode,
    );
    return changed === 1;
  }

  #hashOf(kind: AccountKind): string {
    return `${this.#options.prefix}{accounts}:${kind}`;
  }
}
