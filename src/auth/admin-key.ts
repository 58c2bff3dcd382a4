import type { Store } from "../plugin/api/store.ts";
import type { KnownKey } from "./access-control.ts";
import { generateApiKey, hashApiKey } from "./api-key.ts";

const storeKey = "auth/first-admin-key";

/** The admin key that an earlier start made; undefined when none did. */
export async function findAdminKey(store: Store): Promise<KnownKey | undefined> {
  const text = await store.get(storeKey);
  if (text === undefined) return undefined;
  const { id, hash } = JSON.parse(text) as { id: string; hash: string };
  return { id, hash: Buffer.from(hash, "hex"), roles: ["admin", "developer"], models: ["*"] };
}

/**
 * Makes the admin key of a first start. Only its hash is kept, so `key` is the one chance to see it.
 *
 * Two processes may start at once on the same store: one makes the key and the other, which gets no `key`, uses it.
 */
export async function createAdminKey(
  store: Store,
): Promise<{ readonly known: KnownKey; readonly key: string | undefined }> {
  const { id, key } = generateApiKey();
  const entry = JSON.stringify({ id: `admin-${id}`, hash: hashApiKey(key).toString("hex") });
  const made = await store.set(storeKey, entry, { onlyIfAbsent: true });
  const known = await findAdminKey(store);
  if (known === undefined) throw new Error("The store lost the admin key that was just written to it.");
  return { known, key: made ? key : undefined };
}
