import type { Clock } from "../lib/clock.ts";
import type { Store } from "../plugin/api/store.ts";
import { keyFieldsSchema } from "../schema/account.ts";
import type { AccountBook } from "./accounts/account-book.ts";
import { generateApiKey, hashApiKey } from "./api-key.ts";

/** Of all processes that start on one store at the same time, the one that has set this makes the key. */
const storeKey = "auth/first-admin-key";

/** Where it is claimed: what all that start at the same time share. */
export type ClaimStore = Pick<Store, "get" | "set">;

/** An admin key that is not kept yet. */
export interface NewAdminKey {
  /** Shown once; only its hash is ever kept. */
  readonly key: string;
  /**
   * Keeps it, and from then on it is good. To be called only when it is about to be shown: a key that nobody knows locks everybody out.
   *
   * @returns false when another process on the same store has kept its own in the meantime; this one then counts for nothing.
   */
  keep(): Promise<boolean>;
}

/** Makes the admin key of a first start. */
export function makeAdminKey(store: ClaimStore, book: AccountBook, clock: Clock): NewAdminKey {
  const { id, key } = generateApiKey();
  const hash = hashApiKey(key).toString("hex");
  return {
    key,
    keep: async () => {
      if (!await store.set(storeKey, JSON.stringify({ id, hash }), { onlyIfAbsent: true })) return false;
      await keepAdminKey(book, id, hash, clock);
      return true;
    },
  };
}

/** Completes what an earlier start has begun: the key was claimed, and its record is not there (yet). */
export async function restoreAdminKey(store: ClaimStore, book: AccountBook, clock: Clock): Promise<void> {
  const text = await store.get(storeKey);
  if (text === undefined) return;
  const { id, hash } = JSON.parse(text) as { id: string; hash: string };
  // Ids had a prefix once.
  const own = id.replace(/^admin-/, "");
  if (book.key(own) === undefined) await keepAdminKey(book, own, hash, clock);
}

async function keepAdminKey(book: AccountBook, id: string, hash: string, clock: Clock): Promise<void> {
  const fields = keyFieldsSchema.parse({ name: "first admin key", roles: ["admin"] });
  await book.store.save("key", {
    ...fields,
    id,
    hash,
    created_at: clock.now(),
    created_by: "first-start",
    version: 1,
  });
  await book.refresh();
}
