import type { Redis } from "ioredis";
import type { Clock } from "../lib/clock.ts";
import type { ResponseItem } from "../schema/response.ts";
import {
  type Conversation,
  type ConversationBounds,
  type ConversationPageOptions,
  type ConversationStore,
  type KeptItem,
  MemoryUnavailable,
  type NewConversation,
} from "./contracts.ts";

export interface RedisConversationStoreOptions {
  /** Gives up waiting by itself. */
  readonly redis: Redis;
  readonly clock: Pick<Clock, "now">;
  readonly prefix: string;
}

/** KEYS: conversation. ARGV: user, metadata, now. */
const createScript = `
if redis.call("EXISTS", KEYS[1]) == 1 then return 0 end
redis.call("HSET", KEYS[1], "user", ARGV[1], "metadata", ARGV[2], "created_at", ARGV[3], "updated_at", ARGV[3],
  "summary", "", "condensed", 0, "learnt", 0, "last", 0, "bytes", 0)
return 1`;

/** KEYS: conversation. ARGV: metadata. */
const metadataScript = `
if redis.call("EXISTS", KEYS[1]) == 0 then return 0 end
redis.call("HSET", KEYS[1], "metadata", ARGV[1])
return 1`;

/**
 * KEYS: conversation, items by number, numbers by id. ARGV: now, "1" to make it, user, most items, most bytes, milliseconds to keep it
 * or 0, then id and text of every item.
 */
const appendScript = `
local conversation, items, numbers = KEYS[1], KEYS[2], KEYS[3]
if redis.call("EXISTS", conversation) == 0 then
  if ARGV[2] ~= "1" then return 0 end
  redis.call("HSET", conversation, "user", ARGV[3], "metadata", "{}", "created_at", ARGV[1],
    "summary", "", "condensed", 0, "learnt", 0, "last", 0, "bytes", 0)
end
local last = tonumber(redis.call("HGET", conversation, "last"))
local bytes = tonumber(redis.call("HGET", conversation, "bytes"))
for index = 7, #ARGV, 2 do
  if redis.call("HEXISTS", numbers, ARGV[index]) == 0 then
    last = last + 1
    redis.call("ZADD", items, last, last .. " " .. ARGV[index + 1])
    redis.call("HSET", numbers, ARGV[index], last)
    bytes = bytes + #ARGV[index + 1]
  end
end
local mostItems, mostBytes = tonumber(ARGV[4]), tonumber(ARGV[5])
while redis.call("ZCARD", items) > 0 and (redis.call("ZCARD", items) > mostItems or bytes > mostBytes) do
  local member = redis.call("ZPOPMIN", items)[1]
  local text = string.sub(member, string.find(member, " ", 1, true) + 1)
  redis.call("HDEL", numbers, cjson.decode(text).id)
  bytes = bytes - #text
end
redis.call("HSET", conversation, "last", last, "bytes", bytes, "updated_at", ARGV[1])
local keep = tonumber(ARGV[6])
for _, key in ipairs(KEYS) do
  if keep > 0 then redis.call("PEXPIRE", key, keep) else redis.call("PERSIST", key) end
end
return 1`;

/** KEYS: conversation, items by number, numbers by id. ARGV: id. */
const removeItemScript = `
local number = redis.call("HGET", KEYS[3], ARGV[1])
if not number then return 0 end
local member = redis.call("ZRANGEBYSCORE", KEYS[2], number, number)[1]
redis.call("HDEL", KEYS[3], ARGV[1])
if not member then return 0 end
redis.call("ZREM", KEYS[2], member)
redis.call("HINCRBY", KEYS[1], "bytes", #number + 1 - #member)
return 1`;

/** KEYS: conversation. ARGV: expected condensed and learnt, then fields and values. */
const progressScript = `
if redis.call("HGET", KEYS[1], "condensed") ~= ARGV[1] or redis.call("HGET", KEYS[1], "learnt") ~= ARGV[2] then return 0 end
for index = 3, #ARGV, 2 do redis.call("HSET", KEYS[1], ARGV[index], ARGV[index + 1]) end
return 1`;

/** Conversations in Redis, for many gateways. An index names those of each tenant; what it names may be gone. */
export class RedisConversationStore implements ConversationStore {
  readonly #options: RedisConversationStoreOptions;

  constructor(options: RedisConversationStoreOptions) {
    this.#options = options;
  }

  async create({ tenant, id, user, metadata }: NewConversation): Promise<Conversation | undefined> {
    await this.#index(tenant, id);
    const now = this.#options.clock.now();
    const [key] = this.#keys(tenant, id);
    const made = await this.#run((redis) =>
      redis.eval(createScript, 1, key, user ?? "", JSON.stringify(metadata), String(now))
    );
    return made === 1 ? await this.find(tenant, id) : undefined;
  }

  async find(tenant: string, id: string): Promise<Conversation | undefined> {
    const fields = await this.#run((redis) => redis.hgetall(this.#keys(tenant, id)[0]));
    return conversationOf(tenant, id, fields);
  }

  async setMetadata(tenant: string, id: string, metadata: Readonly<Record<string, string>>) {
    const [key] = this.#keys(tenant, id);
    await this.#run((redis) => redis.eval(metadataScript, 1, key, JSON.stringify(metadata)));
    return await this.find(tenant, id);
  }

  async append(
    tenant: string,
    id: string,
    items: readonly ResponseItem[],
    bounds: ConversationBounds,
    open?: { readonly user: string | undefined },
  ): Promise<Conversation | undefined> {
    // Before the items: what no index names could never be listed or forgotten.
    await this.#index(tenant, id);
    const done = await this.#run((redis) =>
      redis.eval(
        appendScript,
        3,
        ...this.#keys(tenant, id),
        String(this.#options.clock.now()),
        open === undefined ? "0" : "1",
        open?.user ?? "",
        String(bounds.items),
        String(bounds.bytes),
        String(Math.round(bounds.retentionMs)),
        ...items.flatMap((item) => [item.id!, JSON.stringify(item)]),
      )
    );
    if (done === 1) return await this.find(tenant, id);
    await this.#run((redis) => redis.zrem(this.#indexOf(tenant), id));
    return undefined;
  }

  async page(
    tenant: string,
    id: string,
    { limit, order, after }: ConversationPageOptions,
  ): Promise<KeptItem[] | undefined> {
    const [, items, numbers] = this.#keys(tenant, id);
    let from = order === "asc" ? "-inf" : "+inf";
    if (after !== undefined) {
      const number = await this.#run((redis) => redis.hget(numbers, after));
      if (number === null) return undefined;
      from = `(${number}`;
    }
    const members = await this.#run((redis) =>
      order === "asc"
        ? redis.zrangebyscore(items, from, "+inf", "LIMIT", 0, limit)
        : redis.zrevrangebyscore(items, from, "-inf", "LIMIT", 0, limit)
    );
    return members.map(keptItem);
  }

  async since(tenant: string, id: string, number: number, limit: number): Promise<KeptItem[]> {
    const [, items] = this.#keys(tenant, id);
    const members = await this.#run((redis) =>
      redis.zrevrangebyscore(items, "+inf", `(${number}`, "LIMIT", 0, limit)
    );
    return members.map(keptItem).reverse();
  }

  async item(tenant: string, id: string, itemId: string): Promise<ResponseItem | undefined> {
    const [, items, numbers] = this.#keys(tenant, id);
    const number = await this.#run((redis) => redis.hget(numbers, itemId));
    if (number === null) return undefined;
    const [member] = await this.#run((redis) => redis.zrangebyscore(items, number, number));
    return member === undefined ? undefined : keptItem(member).item;
  }

  async removeItem(tenant: string, id: string, itemId: string): Promise<boolean> {
    const keys = this.#keys(tenant, id);
    return await this.#run((redis) => redis.eval(removeItemScript, 3, ...keys, itemId)) === 1;
  }

  async progress(
    tenant: string,
    id: string,
    expected: Pick<Conversation, "condensed" | "learnt">,
    next: Partial<Pick<Conversation, "condensed" | "learnt" | "summary">>,
  ): Promise<boolean> {
    const [key] = this.#keys(tenant, id);
    const fields = Object.entries(next).flatMap(([name, value]) => [name, String(value)]);
    return await this.#run((redis) =>
      redis.eval(progressScript, 1, key, String(expected.condensed), String(expected.learnt), ...fields)
    ) === 1;
  }

  async list(
    tenant: string,
    { user, after, limit }: { user?: string | undefined; after?: string | undefined; limit: number },
  ): Promise<Conversation[]> {
    const found: Conversation[] = [];
    for (let from = after; found.length < limit;) {
      const min = from === undefined ? "-" : `(${from}`;
      const ids = await this.#run((redis) =>
        redis.zrangebylex(this.#indexOf(tenant), min, "+", "LIMIT", 0, 100)
      );
      for (const id of ids) {
        const conversation = await this.find(tenant, id);
        if (conversation === undefined) await this.#unindex(tenant, id);
        else if (user === undefined || conversation.user === user) found.push(conversation);
      }
      from = ids.at(-1);
      if (ids.length < 100) break;
    }
    return found.slice(0, limit);
  }

  async remove(tenant: string, id: string): Promise<boolean> {
    const keys = this.#keys(tenant, id);
    const removed = await this.#run((redis) => redis.del(...keys));
    await this.#unindex(tenant, id);
    return removed > 0;
  }

  async tenants(): Promise<string[]> {
    return (await this.#run((redis) => redis.smembers(this.#tenants))).sort();
  }

  /** Redis lets go of conversations by itself; the index learns of it here. */
  async expire(before: number): Promise<number> {
    let removed = 0;
    for (const tenant of await this.tenants()) {
      let after: string | undefined;
      let conversations: Conversation[];
      do {
        conversations = await this.list(tenant, { after, limit: 100 });
        for (const { id, updatedAt } of conversations) {
          if (updatedAt < before && await this.remove(tenant, id)) removed++;
        }
        after = conversations.at(-1)?.id;
      } while (conversations.length === 100);
    }
    return removed;
  }

  /** The connection is its owner's. */
  close(): void {}

  async #index(tenant: string, id: string): Promise<void> {
    await this.#run((redis) => redis.zadd(this.#indexOf(tenant), 0, id));
    await this.#run((redis) => redis.sadd(this.#tenants, tenant));
  }

  async #unindex(tenant: string, id: string): Promise<void> {
    await this.#run((redis) => redis.zrem(this.#indexOf(tenant), id));
    if (await this.#run((redis) => redis.zcard(this.#indexOf(tenant))) > 0) return;
    await this.#run((redis) => redis.srem(this.#tenants, tenant));
  }

  get #tenants(): string {
    return `${this.#options.prefix}memory:tenants`;
  }

  #indexOf(tenant: string): string {
    return `${this.#options.prefix}memory:index:${encodeURIComponent(tenant)}`;
  }

  /** One slot of a cluster for all of a conversation: a script may only touch keys of one. */
  #keys(tenant: string, id: string): [conversation: string, items: string, numbers: string] {
    const name = `${this.#options.prefix}memory:{${encodeURIComponent(tenant)}/${encodeURIComponent(id)}}`;
    return [name, `${name}:items`, `${name}:numbers`];
  }

  async #run<Value>(command: (redis: Redis) => Promise<Value>): Promise<Value> {
    try {
      return await command(this.#options.redis);
    } catch (error) {
      throw new MemoryUnavailable("Redis, which keeps the conversations, does not answer", { cause: error });
    }
  }
}

function conversationOf(
  tenant: string,
  id: string,
  fields: Readonly<Record<string, string>>,
): Conversation | undefined {
  if (fields.metadata === undefined) return undefined;
  return {
    tenant,
    id,
    user: fields.user || undefined,
    metadata: JSON.parse(fields.metadata),
    createdAt: Number(fields.created_at),
    updatedAt: Number(fields.updated_at),
    summary: fields.summary ?? "",
    condensed: Number(fields.condensed),
    learnt: Number(fields.learnt),
    last: Number(fields.last),
  };
}

/** A member begins with its number: the same words said twice are two items. */
function keptItem(member: string): KeptItem {
  const space = member.indexOf(" ");
  return { number: Number(member.slice(0, space)), item: JSON.parse(member.slice(space + 1)) };
}
