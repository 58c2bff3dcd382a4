/**
 * What keys, limits, budgets and the usage ledger cost one request, without anything else around them: the key is checked, the request
 * let in under ten limits and six budgets, money set aside, the log written twice, everything settled, and the row booked in SQLite.
 *
 *   bun bench/micro/accounts.ts [REQUESTS]     prints microseconds of CPU for one request, part by part
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { keyedAccess } from "../../src/auth/access-control.ts";
import { hashApiKey } from "../../src/auth/api-key.ts";
import { RoleBook } from "../../src/auth/permissions.ts";
import { loadSettings } from "../../src/config/load-settings.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { createLimiter, openAccounts } from "../../src/roles/open-accounts.ts";
import { openUsageLedger } from "../../src/roles/open-usage-ledger.ts";
import { keyFieldsSchema, teamFieldsSchema } from "../../src/schema/account.ts";
import { MeteredRequest } from "../../src/gateway/metered-request.ts";
import { Logger } from "../../src/telemetry/logger.ts";
import { decisionFixture, pricedModel } from "./accounts-fixtures.ts";

const requests = Number(process.argv[2] ?? 200_000);
const directory = mkdtempSync(join(tmpdir(), "intellirouter-accounts-"));
const loaded = await loadSettings({ environment: {}, cwd: directory });
const logger = new Logger({ level: "silent", format: "json", now: () => 0, write: () => {} });
const shared = { clock: systemClock, random: Math.random, logger, dataDirectory: directory };
const limits = {
  requests_per_minute: 1e9,
  requests_per_day: 1e9,
  tokens_per_minute: 1e12,
  tokens_per_day: 1e12,
  concurrent_requests: 1e6,
};
const budget = { daily_usd: 1e6, monthly_usd: 1e6, total_usd: 9e6 };
const usage = openUsageLedger(shared, () => loaded.settings);
const accounts = await openAccounts(shared, () => {});
accounts.book.configure({
  keys: [{
    id: "bench",
    hash: hashApiKey("bench-key-0123456789"),
    fields: keyFieldsSchema.parse({ team: "core", limits, budget }),
  }],
  teams: new Map([["core", teamFieldsSchema.parse({ limits, budget })]]),
  organisations: new Map(),
  roles: new RoleBook(),
});
const limiter = createLimiter(shared, usage);
const access = keyedAccess(accounts.book);
const headers = new Headers({ authorization: "Bearer bench-key-0123456789", host: "localhost" });
const caller = { headers, address: "127.0.0.1", path: "/v1/chat/completions" };
const principal = await access.authenticate(caller);
const services = { limiter, ledger: usage.ledger } as const;
const decision = decisionFixture();
let count = 0;

/** Microseconds of CPU of one run of it. */
async function measure(name: string, work: () => unknown): Promise<number> {
  for (let index = 0; index < requests / 4; index++) await work();
  const before = process.cpuUsage();
  for (let index = 0; index < requests; index++) {
    await work();
    // As often as a busy gateway comes to it.
    if (index % 512 === 511) await new Promise((resolve) => setImmediate(resolve));
  }
  const { user, system } = process.cpuUsage(before);
  const each = (user + system) / requests;
  console.log(`${name.padEnd(24)} ${each.toFixed(2)} us`);
  return each;
}

function meter(ledger: Pick<typeof usage.ledger, "begin">): string {
  const id = `dec_${++count}`;
  const admitted = MeteredRequest.admit(
    { ...services, ledger } as never,
    { principal, decisionId: id, requestId: "req_bench", operation: "chat", stream: false },
    {
      model: "bench",
      promptTokens: 220,
      mostPromptTokens: () => 900,
      outputTokens: 400,
      choices: 1,
      isFree: false,
      arrivedAt: systemClock.now(),
    },
    [],
  ) as MeteredRequest;
  admitted.reserve(pricedModel);
  void admitted.limits;
  admitted.settle(375, 135_000);
  return id;
}

const nothing = await measure("an empty call", () => {});
const keys = await measure("keys", () => access.authenticate(caller));
const limited = await measure("limits and budgets", () => meter({ begin: () => {} }));
const booked = await measure("with the ledger", () => {
  usage.ledger.settle({ ...decision, id: meter(usage.ledger) });
});
console.log(
  `all of it                ${(keys + booked - 2 * nothing).toFixed(2)} us (limits ${limited.toFixed(2)})`,
);
usage.close();
rmSync(directory, { recursive: true });
process.exit(0);
