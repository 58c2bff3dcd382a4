import {
  type AccessControl,
  isLoopbackName,
  keyedAccess,
  type KnownKey,
  openAccess,
} from "../auth/access-control.ts";
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
  /** What works and is probably not meant. */
  readonly warning?: string;
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
  const { auth, server, cors } = loaded.settings;
  if (auth.mode === "none") {
    // The operator has given the protection to somebody else, such as a proxy whose name requests carry.
    const hosts = isLoopbackName(server.host) ? server.allowed_hosts : ["*"];
    return { access: openAccess(new Set(hosts), new Set(cors.origins)), newAdminKey: undefined };
  }
  const keys: KnownKey[] = [
    ...auth.keys.map(({ id, hash, roles, models, tenant }) => ({
      id,
      tenant,
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
  if (keys.length > 0) {
    const opened = { access: keyedAccess(keys), newAdminKey: undefined };
    if (keys.some(({ roles }) => roles.includes("admin"))) return opened;
    return { ...opened, warning: "no key has the role admin: nobody can reach /admin" };
  }
  if (auth.mode === "auto" && isLoopbackName(server.host)) {
    return {
      access: openAccess(new Set(server.allowed_hosts), new Set(cors.origins)),
      newAdminKey: undefined,
    };
  }
  const made = makeAdminKey(store);
  return { access: keyedAccess([made.known]), newAdminKey: made };
}
