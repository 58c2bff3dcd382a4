import type { Redis } from "ioredis";
import { randomUUID } from "node:crypto";

/** What a node asks to hold of a limit that all nodes share. */
export interface HoldRequest {
  /** Names the limit and its window or period. */
  readonly name: string;
  /** The window before, whose use still counts in part; absent for what has no such window. */
  readonly former?: { readonly name: string; readonly share: number } | undefined;
  /** What this node has really used of it. */
  readonly used: number;
  /** The least that it must hold for the request at hand, and the most that it would like to; both with what it has used. */
  readonly least: number;
  readonly most: number;
  readonly limit: number;
  /** Milliseconds after which it may be forgotten. */
  readonly keepMs: number;
  /** `used` goes on over a restart of this node, as its books do. */
  readonly survives: boolean;
  /** What a node that is gone has used is free again, as its running requests are. */
  readonly endsWithNode: boolean;
}

/** What a node may use without asking again, or how much of the limit others have taken. */
export type HoldAnswer = ({ readonly granted: number } | { readonly taken: number }) & {
  /** What all other nodes have really used. */
  readonly usedByOthers: number;
};

/**
 * Every node's part of a limit is one field of a hash: what it holds, what it has used, and when it said so. A node may hold more only
 * if that and the parts of all others are within the limit; a node that has not been heard of for a minute counts by what it used.
 * All numbers are totals, so that saying one twice changes nothing.
 *
 * KEYS: the hash, that of the window before (or the same). ARGV: node, used, least, most, limit, share of the window before,
 * milliseconds to keep, milliseconds until a node counts as gone, "1" if it then has used nothing.
 */
const holdScript = `
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local taken, spent, held_before = 0, 0, 0
local parts = redis.call("HGETALL", KEYS[1])
for i = 1, #parts, 2 do
  local held, used, said = string.match(parts[i + 1], "^(%S+) (%S+) (%S+)$")
  held, used, said = tonumber(held), tonumber(used), tonumber(said)
  if parts[i] == ARGV[1] then held_before = held
  else
    if now - said > tonumber(ARGV[8]) then
      if ARGV[9] == "1" then redis.call("HDEL", KEYS[1], parts[i])
      else
        taken = taken + used
        spent = spent + used
      end
    else
      taken = taken + math.max(held, used)
      spent = spent + used
    end
  end
end
local share = tonumber(ARGV[6])
if share > 0 then
  local former = redis.call("HGETALL", KEYS[2])
  for i = 1, #former, 2 do
    local left = tonumber(string.match(former[i + 1], "^%S+ (%S+)")) * share
    taken = taken + left
    if former[i] ~= ARGV[1] then spent = spent + left end
  end
end
local used = tonumber(ARGV[2])
local room = math.floor(tonumber(ARGV[5]) - taken)
local granted = math.min(tonumber(ARGV[4]), room)
local fits = granted >= tonumber(ARGV[3])
if not fits then granted = math.max(used, math.min(held_before, room)) end
redis.call("HSET", KEYS[1], ARGV[1], string.format("%.0f %.0f %.0f", granted, used, now))
redis.call("PEXPIRE", KEYS[1], ARGV[7])
return { fits and 1 or 0, string.format("%.0f", fits and granted or taken), string.format("%.0f", spent) }`;

/** A node that has been silent for so long is taken to be gone, in milliseconds. */
export const nodeGoneAfterMs = 60_000;

/** The shared limits in Redis. */
export class Holds {
  readonly #redis: Redis;
  readonly #prefix: string;
  readonly #node: string;
  readonly #process: string;
  /** Names what Redis remembers: after it has forgotten everything, another name is there. */
  #memory: string | null | undefined;

  /**
   * @param node names this node for as long as its books are kept.
   * @param process names this run of it.
   */
  constructor(redis: Redis, prefix: string, node: string, process: string) {
    this.#redis = redis;
    this.#prefix = prefix;
    this.#node = node;
    this.#process = process;
  }

  /** @throws when Redis does not answer in time. */
  async hold(
    { name, former, used, least, most, limit, keepMs, survives, endsWithNode }: HoldRequest,
  ): Promise<HoldAnswer> {
    const answer = await this.#redis.eval(
      holdScript,
      2,
      this.#keyOf(name),
      this.#keyOf(former?.name ?? name),
      survives ? this.#node : this.#process,
      String(used),
      String(least),
      String(most),
      String(limit),
      String(former?.share ?? 0),
      String(keepMs),
      String(nodeGoneAfterMs),
      endsWithNode ? "1" : "0",
    ) as [number, string, string];
    const [fits, amount, others] = answer;
    const usedByOthers = Number(others);
    return fits === 1 ? { granted: Number(amount), usedByOthers } : { taken: Number(amount), usedByOthers };
  }

  /** Whether Redis has lost its memory since it was last asked. @throws when it does not answer in time. */
  async hasForgotten(): Promise<boolean> {
    const key = `${this.#prefix}memory`;
    await this.#redis.set(key, randomUUID(), "NX");
    const memory = await this.#redis.get(key);
    const former = this.#memory;
    this.#memory = memory;
    return former !== undefined && former !== memory;
  }

  /** Says that this node is there, and tells how many are. @throws when Redis does not answer in time. */
  async presence(): Promise<number> {
    const key = `${this.#prefix}nodes`;
    const now = await this.time();
    await this.#redis.zadd(key, now, this.#process);
    await this.#redis.zremrangebyscore(key, 0, now - nodeGoneAfterMs);
    return await this.#redis.zcard(key);
  }

  /** The clock that all nodes share, in milliseconds since the epoch. @throws when Redis does not answer in time. */
  async time(): Promise<number> {
    const [seconds, microseconds] = await this.#redis.time();
    return Number(seconds) * 1_000 + Math.floor(Number(microseconds) / 1_000);
  }

  /** A window and the one before must be in one slot of a cluster: the name up to the last colon is the tag. */
  #keyOf(name: string): string {
    const end = name.lastIndexOf(":");
    return `${this.#prefix}{hold:${name.slice(0, end)}}${name.slice(end)}`;
  }
}
