import { type AccessControl, keyedAccess, type KnownKey, openAccess } from "../auth/access-control.ts";
import { findAdminKey, makeAdminKey, type NewAdminKey } from "../auth/admin-key.ts";
import { hashApiKey } from "../auth/api-key.ts";
import type { Environment } from "../config/environment.ts";
import type { LoadedSettings } from "../config/load-settings.ts";
import { environmentKeys } from "../config/secrets.ts";
import type { Store } from "../plugin/api/store.ts";

export interface OpenedAccess {
  readonly access: AccessControl;
  /** An admin key that was made just now: to be shown, and then kept. */
  readonly newAdminKey: NewAdminKey | undefined;
}

/**
 * Who may call. In mode `auto` a loopback address needs no key while none exists; anywhere else, and in mode
 * `required`, a gateway without keys makes one for its administrator, so that it is never open by accident.
 */
export async function decideAccess(
  loaded: LoadedSettings,
  store: Store,
  environment: Environment,
): Promise<OpenedAccess> {
  const { auth, server } = loaded.settings;
  if (auth.mode === "none") return { access: openAccess(), newAdminKey: undefined };
  const keys: KnownKey[] = [
    ...auth.keys.map(({ id, hash, roles, models }) => ({
      id,
      hash: Buffer.from(hash.slice("sha256:".length), "hex"),
      roles,
      models,
    })),
    ...environmentKeys({ environment, directory: loaded.directory }).map((
      { key, admin },
      index,
    ): KnownKey => ({
      id: admin ? "environment-admin" : `environment-${index + 1}`,
      hash: hashApiKey(key),
      roles: admin ? ["admin", "developer"] : ["developer"],
      models: ["*"],
    })),
  ];
  const admin = await findAdminKey(store);
  if (admin !== undefined) keys.push(admin);
  if (keys.length > 0) return { access: keyedAccess(keys), newAdminKey: undefined };
  if (auth.mode === "auto" && isLoopback(server.host)) {
    return { access: openAccess(), newAdminKey: undefined };
  }
  const made = makeAdminKey(store);
  return { access: keyedAccess([made.known]), newAdminKey: made };
}

export function isLoopback(address: string): boolean {
  const host = address.replace(/^\[|\]$/g, "");
  return host === "localhost" || host === "::1" || /^127(\.\d{1,3}){3}$/.test(host);
}
