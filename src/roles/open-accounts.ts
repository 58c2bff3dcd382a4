import { join } from "node:path";
import { AccountBook } from "../auth/accounts/account-book.ts";
import { AccountManager, type AccountManagerOptions } from "../auth/accounts/account-manager.ts";
import { SqliteAccountStore } from "../auth/accounts/sqlite-account-store.ts";
import { Limiter, type LimiterOptions } from "../auth/limits/limiter.ts";
import type { SharedLimits } from "../auth/shared/shared-limits.ts";
import type { LoadedSettings } from "../config/load-settings.ts";
import { toDollars } from "../lib/money.ts";
import { openSqlite } from "../runtime/sqlite.ts";
import type { OpenedRedis } from "./open-redis.ts";
import type { OpenedUsage } from "./open-usage-ledger.ts";
import type { SharedServices } from "./shared-services.ts";

type World = Pick<SharedServices, "dataDirectory" | "clock" | "logger">;

export interface OpenedAccounts {
  readonly book: AccountBook;
  readonly manager: AccountManager;
  close(): void | Promise<void>;
}

/** Opens keys, teams and organisations. @throws when what is stored cannot be read. */
export async function openAccounts(
  { dataDirectory, clock, logger }: World,
  audit: AccountManagerOptions["audit"],
  redis?: OpenedRedis,
): Promise<OpenedAccounts> {
  const path = dataDirectory === undefined ? ":memory:" : join(dataDirectory, "gateway-accounts.sqlite");
  const own = new SqliteAccountStore(openSqlite(path), clock);
  const store = redis?.accountStore(own) ?? own;
  const book = new AccountBook({
    store,
    clock,
    onError: (error) =>
      logger.error("the accounts cannot be read; those that are known go on to hold", { error }),
  });
  await book.open();
  return { book, manager: new AccountManager({ book, clock, audit }), close: () => store.close() };
}

/** Limits and budgets, which begin where the books are. */
export function createLimiter(
  { clock, logger }: World,
  { ledger, database, spent }: OpenedUsage,
  shared?: SharedLimits,
  onAlert: LimiterOptions["onAlert"] = () => {},
): Limiter {
  const limiter = new Limiter({
    clock,
    shared,
    spent,
    onAlert: (scope, alert) => {
      const { periodName: period, threshold, limit, spent } = alert;
      logger.warn("a budget has reached a threshold", {
        account: scope,
        period,
        threshold,
        limit_usd: toDollars(limit),
        spent_usd: toDollars(spent),
      });
      onAlert(scope, alert);
    },
  });
  followBooks(limiter, { ledger, database }, clock);
  return limiter;
}

/** Another process on the same data directory, such as one that still drains, spends the same money. */
function followBooks(
  limiter: Limiter,
  { ledger, database }: Pick<OpenedUsage, "ledger" | "database">,
  clock: World["clock"],
): void {
  let seen = database.foreignChanges();
  const look = () => {
    if (ledger.isClosed) return;
    const changes = database.foreignChanges();
    if (changes !== seen) limiter.reload();
    seen = changes;
    clock.setTimeout(look, followBooksMs);
  };
  clock.setTimeout(look, followBooksMs);
}

const followBooksMs = 500;

export function gatewayLimits({ settings }: LoadedSettings) {
  const models = settings.models.flatMap(({ id, limits }) =>
    limits === undefined ? [] : [[id, limits] as const]
  );
  return { limits: settings.limits, budget: settings.budget, models: new Map(models) };
}
