import type { ResponseItem } from "../schema/response.ts";

/** A conversation as it is kept. What one tenant keeps no other can see. */
export interface Conversation {
  readonly tenant: string;
  /** The client's own, or made for it. */
  readonly id: string;
  /** Whose it is, as the client calls its users. */
  readonly user: string | undefined;
  readonly metadata: Readonly<Record<string, string>>;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  readonly updatedAt: number;
  /** What was said up to and with `condensed`, in few words; empty while nothing has been condensed. */
  readonly summary: string;
  /** The number of the last item that the summary covers; 0 is none. */
  readonly condensed: number;
  /** The number of the last item that facts have been looked for in. */
  readonly learnt: number;
  /** The number of the last item there ever was. */
  readonly last: number;
}

/** An item and its number; numbers rise within a conversation and are never given twice. */
export interface KeptItem {
  readonly number: number;
  readonly item: ResponseItem;
}

export interface NewConversation {
  readonly tenant: string;
  readonly id: string;
  readonly user: string | undefined;
  readonly metadata: Readonly<Record<string, string>>;
}

/** What a conversation may hold at most; the oldest items go first. */
export interface ConversationBounds {
  readonly items: number;
  readonly bytes: number;
  /** Milliseconds after the last word; 0 is for ever. */
  readonly retentionMs: number;
}

export interface ConversationPageOptions {
  readonly limit: number;
  readonly order: "asc" | "desc";
  /** The id of the item after which to begin. */
  readonly after?: string | undefined;
}

/**
 * Keeps conversations. Every call is atomic by itself and safe under concurrency, and none waits without bound: an engine that is
 * down rejects with `MemoryUnavailable`.
 */
export interface ConversationStore {
  /** @returns undefined where there is one of that id already. */
  create(conversation: NewConversation): Promise<Conversation | undefined>;
  find(tenant: string, id: string): Promise<Conversation | undefined>;
  setMetadata(
    tenant: string,
    id: string,
    metadata: Readonly<Record<string, string>>,
  ): Promise<Conversation | undefined>;
  /**
   * Adds items at the end, all or none, and without another's between them. Every item has an id; one that is there already is left
   * where it is.
   *
   * @param open makes the conversation where there is none.
   * @returns undefined where there is no such conversation and none was to be made.
   */
  append(
    tenant: string,
    id: string,
    items: readonly ResponseItem[],
    bounds: ConversationBounds,
    open?: { readonly user: string | undefined },
  ): Promise<Conversation | undefined>;
  /** @returns undefined where `after` names no item. */
  page(tenant: string, id: string, options: ConversationPageOptions): Promise<KeptItem[] | undefined>;
  /** Items above a number in their order; the newest of them where there are more than `limit`. */
  since(tenant: string, id: string, number: number, limit: number): Promise<KeptItem[]>;
  item(tenant: string, id: string, itemId: string): Promise<ResponseItem | undefined>;
  removeItem(tenant: string, id: string, itemId: string): Promise<boolean>;
  /** Notes how far it has been condensed or learnt from; false where somebody else has been quicker. */
  progress(
    tenant: string,
    id: string,
    expected: Pick<Conversation, "condensed" | "learnt">,
    next: Partial<Pick<Conversation, "condensed" | "learnt" | "summary">>,
  ): Promise<boolean>;
  /** In ascending order of their ids. */
  list(
    tenant: string,
    options: {
      readonly user?: string | undefined;
      readonly after?: string | undefined;
      readonly limit: number;
    },
  ): Promise<Conversation[]>;
  remove(tenant: string, id: string): Promise<boolean>;
  tenants(): Promise<string[]>;
  /** Removes what nobody has added to since then; gives how many. */
  expire(before: number): Promise<number>;
  close(): void;
}

/** The engine that keeps the memory does not answer. */
export class MemoryUnavailable extends Error {
  override readonly name = "MemoryUnavailable";
}

/** What memory asks of models, on behalf of one caller. */
export interface MemoryModels {
  /** The model's answer to a prompt: JSON that follows the schema, unless the model does not care. */
  write(
    model: string,
    prompt: { readonly instructions: string; readonly text: string },
    schema: { readonly name: string; readonly schema: Readonly<Record<string, unknown>> },
  ): Promise<string>;
  /** One vector for each text. */
  embed(model: string, texts: readonly string[]): Promise<Float32Array[]>;
}
