import { AccountBook } from "../../src/auth/accounts/account-book.ts";
import { SqliteAccountStore } from "../../src/auth/accounts/sqlite-account-store.ts";
import { hashApiKey } from "../../src/auth/api-key.ts";
import { Limiter } from "../../src/auth/limits/limiter.ts";
import { builtInRoles, RoleBook } from "../../src/auth/permissions.ts";
import { everything, type Principal } from "../../src/auth/principal.ts";
import type { Clock } from "../../src/lib/clock.ts";
import { type KeyFields, keyFieldsSchema } from "../../src/schema/account.ts";
import { FakeClock } from "./fake-clock.ts";
import { testHost } from "./test-host.ts";

/** Accounts in memory, empty but for these static keys. */
export async function accountBook(
  keys: readonly { readonly id: string; readonly key: string; readonly fields?: Partial<KeyFields> }[] = [],
  clock: Clock = new FakeClock(),
): Promise<AccountBook> {
  const store = new SqliteAccountStore(testHost().sqlite("accounts"), clock);
  const book = new AccountBook({
    store,
    clock,
    onError: (error) => {
      throw error;
    },
  });
  await book.open();
  book.configure({
    keys: keys.map(({ id, key, fields }) => ({
      id,
      hash: hashApiKey(key),
      fields: keyFieldsSchema.parse(fields ?? {}),
    })),
    teams: new Map(),
    organisations: new Map(),
    roles: new RoleBook(),
  });
  return book;
}

/** Somebody who may do everything, unless said otherwise. */
export function principal(overrides: Partial<Principal> = {}): Principal {
  return {
    id: "app",
    roles: ["admin"],
    permissions: new Set(builtInRoles.admin),
    tenant: "app",
    team: undefined,
    organisation: undefined,
    mayUse: () => true,
    mayAsk: () => true,
    mayCall: () => true,
    accounts: [],
    grants: everything,
    ...overrides,
  };
}

/** Nobody has limits, and nothing was spent before. */
export function freeLimiter(clock: Clock = new FakeClock()): Limiter {
  return new Limiter({ clock, spent: () => [], onAlert: () => {} });
}
