import { ApiError } from "../../lib/api-error.ts";
import type { Store } from "../../plugin/api/store.ts";
import type { ResponseItem, ResponseObject } from "../../schema/response.ts";

/** A response with what led to it in its own turn. */
export interface StoredResponse {
  readonly response: ResponseObject;
  /** What the client said in this turn; earlier turns are found by `response.previous_response_id`. */
  readonly input: readonly ResponseItem[];
}

interface Entry extends StoredResponse {
  /** Milliseconds since the epoch. */
  readonly savedAt: number;
}

export interface ResponseStoreOptions {
  /** For how long responses are kept, in milliseconds; 0 keeps none. */
  readonly retentionMs: () => number;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Told when the store fails after an answer; the client has its answer all the same. Must not throw. */
  readonly onError: (error: unknown) => void;
}

/** All that the turns of one conversation may hold, in characters of JSON; no model reads as much. */
const longestConversation = 64 * 1024 * 1024;

/**
 * Keeps responses, so that clients can read them and go on from them. What one tenant keeps no other can see: a response that
 * is another tenant's is as unknown as one that never was.
 */
export class ResponseStore {
  readonly #store: Store;
  readonly #options: ResponseStoreOptions;

  constructor(store: Store, options: ResponseStoreOptions) {
    this.#store = store;
    this.#options = options;
  }

  /** Whether anything is kept at all. */
  get isOpen(): boolean {
    return this.#options.retentionMs() > 0;
  }

  async save(tenant: string, { response, input }: StoredResponse): Promise<void> {
    try {
      await this.#write(tenant, { response, input, savedAt: this.#options.now() });
    } catch (error) {
      this.#options.onError(error);
    }
  }

  async find(tenant: string, id: string): Promise<StoredResponse | undefined> {
    return (await this.#read(tenant, id))?.entry;
  }

  /**
   * Everything that was said up to a response and in it, oldest first.
   *
   * @throws {ApiError} 400 when the response, or one before it, is not there: an answer without it would be another one.
   */
  async conversation(tenant: string, id: string): Promise<ResponseItem[]> {
    const { retentionMs, now } = this.#options;
    const turns: StoredResponse[] = [];
    let size = 0;
    for (let next: string | null = id; next !== null;) {
      const found: { readonly entry: Entry; readonly size: number } | undefined = await this.#read(
        tenant,
        next,
      );
      if (found === undefined) throw notFound(id, next);
      const { entry } = found;
      size += found.size;
      if (size > longestConversation) throw tooLong(id);
      turns.push(entry);
      // A conversation that goes on keeps its beginning.
      if (now() - entry.savedAt > retentionMs() / 2) await this.save(tenant, entry);
      next = entry.response.previous_response_id ?? null;
    }
    return turns.reverse().flatMap(({ input, response }) => [...input, ...response.output]);
  }

  /** An item of some response's output. */
  async findItem(tenant: string, id: string): Promise<ResponseItem | undefined> {
    const owner = await this.#store.get(itemKey(tenant, id));
    if (owner === undefined) return undefined;
    return (await this.find(tenant, owner))?.response.output.find((item) => item.id === id);
  }

  /** Returns whether there was something to delete. */
  async delete(tenant: string, id: string): Promise<boolean> {
    const stored = await this.find(tenant, id);
    if (stored === undefined) return false;
    for (const { id: item } of stored.response.output) {
      if (item && await this.#store.get(itemKey(tenant, item)) === id) {
        await this.#store.delete(itemKey(tenant, item));
      }
    }
    return await this.#store.delete(responseKey(tenant, id));
  }

  async #read(tenant: string, id: string) {
    const text = await this.#store.get(responseKey(tenant, id));
    return text === undefined ? undefined : { entry: JSON.parse(text) as Entry, size: text.length };
  }

  async #write(tenant: string, entry: Entry): Promise<void> {
    const ttlMs = this.#options.retentionMs();
    if (ttlMs <= 0) return;
    const { id, output } = entry.response;
    await this.#store.set(responseKey(tenant, id), JSON.stringify(entry), { ttlMs });
    for (const item of output) {
      if (item.id) await this.#store.set(itemKey(tenant, item.id), id, { ttlMs });
    }
  }
}

function responseKey(tenant: string, id: string): string {
  return `responses/${encodeURIComponent(tenant)}/response/${encodeURIComponent(id)}`;
}

function itemKey(tenant: string, id: string): string {
  return `responses/${encodeURIComponent(tenant)}/item/${encodeURIComponent(id)}`;
}

function notFound(id: string, missing: string): ApiError {
  const before = id === missing ? "" : ` An earlier response of the conversation, '${missing}', is gone.`;
  return new ApiError({
    status: 400,
    code: "previous_response_not_found",
    param: "previous_response_id",
    message: `Previous response with id '${id.slice(0, 256)}' not found.${before}`,
  });
}

function tooLong(id: string): ApiError {
  return new ApiError({
    status: 400,
    code: "context_length_exceeded",
    param: "previous_response_id",
    message: `The conversation that ends with '${id}' is too long to go on with.`,
  });
}
