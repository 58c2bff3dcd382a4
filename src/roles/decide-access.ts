import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { type AccessControl, isLoopbackName, keyedAccess, openAccess } from "../auth/access-control.ts";
import type { AccountBook, StaticAccounts } from "../auth/accounts/account-book.ts";
import { type ClaimStore, makeAdminKey, type NewAdminKey, restoreAdminKey } from "../auth/admin-key.ts";
import { hashApiKey } from "../auth/api-key.ts";
import type { BearerTokens } from "../auth/bearer-tokens.ts";
import { RoleBook } from "../auth/permissions.ts";
import type { Environment } from "../config/environment.ts";
import type { LoadedSettings } from "../config/load-settings.ts";
import { environmentKeys } from "../config/secrets.ts";
import { ConfigError } from "../lib/config-error.ts";
import { keyFieldsSchema } from "../schema/account.ts";
import { planListeners } from "./open-listeners.ts";
import type { SharedServices } from "./shared-services.ts";

export interface OpenedAccess {
  /** Asked for every request: while there are no keys, the first one changes it. */
  readonly access: () => AccessControl;
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
  store: ClaimStore,
  book: AccountBook,
  environment: Environment,
  { egress, clock, logger }: Pick<SharedServices, "egress" | "clock" | "logger">,
): Promise<OpenedAccess> {
  const { auth, server, cors } = loaded.settings;
  book.configure(staticAccounts(loaded, environment));
  // What administers the gateway must not be open on any address of its own either.
  const isLocal = planListeners(loaded.settings)
    .filter(({ surfaces }) => surfaces.has("api") || surfaces.has("admin"))
    .every(({ host }) => isLoopbackName(host));
  const open = (hosts: readonly string[]) => openAccess(new Set(hosts), new Set(cors.origins));
  if (auth.mode === "none") {
    // The operator has given the protection to somebody else, such as a proxy whose name requests carry.
    const access = open(isLocal ? server.allowed_hosts : ["*"]);
    return { access: () => access, newAdminKey: undefined };
  }
  try {
    await restoreAdminKey(store, book, clock);
  } catch (error) {
    // Accounts that cannot be written now must not keep the gateway from its work.
    logger.warn("the first admin key cannot be restored at the moment", { error });
  }
  const tokens = await bearerTokens(loaded, book, { egress, clock });
  const keyed = keyedAccess(book, tokens);
  if (auth.mode === "auto" && isLocal && tokens === undefined) {
    const access = open(server.allowed_hosts);
    return { access: () => book.hasKeys || !book.isComplete ? keyed : access, newAdminKey: undefined };
  }
  const opened = { access: () => keyed, newAdminKey: undefined };
  if (!book.hasKeys && book.isComplete && tokens === undefined) {
    return { ...opened, newAdminKey: makeAdminKey(store, book, clock) };
  }
  return book.hasAdministrator || !book.isComplete || tokens !== undefined
    ? opened
    : { ...opened, warning: "no key has the role admin: nobody can reach /admin" };
}

export function staticAccounts(loaded: LoadedSettings, environment: Environment): StaticAccounts {
  const { auth } = loaded.settings;
  return {
    keys: [
      ...auth.keys.map(({ id, hash, ...fields }) => ({
        id,
        hash: Buffer.from(hash.slice("sha256:".length), "hex"),
        fields,
      })),
      ...environmentKeys({ environment, directory: loaded.directory }).map(({ key, admin }, index) => ({
        id: admin ? "environment-admin" : `environment-${index + 1}`,
        hash: hashApiKey(key),
        fields: keyFieldsSchema.parse({ roles: [admin ? "admin" : "developer"] }),
      })),
    ],
    teams: new Map(auth.teams.map(({ id, ...fields }) => [id, fields])),
    organisations: new Map(auth.organisations.map(({ id, ...fields }) => [id, fields])),
    roles: new RoleBook(auth.roles),
  };
}

/** Undefined where no issuer is configured; the library then stays away, too. */
async function bearerTokens(
  { settings, directory }: LoadedSettings,
  book: AccountBook,
  { egress, clock }: Pick<SharedServices, "egress" | "clock">,
): Promise<BearerTokens | undefined> {
  if (settings.auth.issuers.length === 0) return undefined;
  const { BearerTokens } = await import("../auth/bearer-tokens.ts");
  return new BearerTokens({
    issuers: settings.auth.issuers.map((issuer) => ({
      ...issuer,
      jwks: issuer.jwks_file === undefined ? undefined : readKeys(resolve(directory, issuer.jwks_file)),
    })),
    roles: book.roles,
    fetch: egress,
    clock,
    team: (id) => book.chargesOfTeam(id),
  });
}

/** @throws {ConfigError} */
function readKeys(path: string): { keys: Record<string, unknown>[] } {
  try {
    const value = JSON.parse(readFileSync(path, "utf8"));
    if (Array.isArray(value?.keys)) return value;
    throw new Error('it has no list "keys"');
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ConfigError([{ message: `the keys of an issuer, ${path}, cannot be read: ${reason}` }]);
  }
}
