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

/** An admin key that is not in the store yet. */
export interface NewAdminKey {
  /** Shown once; only its hash is ever kept. */
  readonly key: string;
  readonly known: KnownKey;
  /**
   * Keeps it for the next starts. To be called only when it is about to be shown: a key that nobody knows locks everybody out.
   *
   * @returns false when another process on the same store has kept its own in the meantime; this one then counts for nothing.
   */
  keep(): Promise<boolean>;
}

/** Makes the admin key of a first start. */
export function makeAdminKey(store: Store): NewAdminKey {
  const { id, key } = generateApiKey();
  const hash = hashApiKey(key);
  const entry = JSON.stringify({ id: `admin-${id}`, hash: hash.toString("hex") });
  return {
    key,
    known: { id: `admin-${id}`, hash, roles: ["admin", "developer"], models: ["*"] },
    keep: () => store.set(storeKey, entry, { onlyIfAbsent: true }),
  };
}
