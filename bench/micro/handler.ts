/**
 * The whole request path without a network: the HTTP handler, called in a loop, with a backend that answers at once.
 *
 *   bun bench/micro/handler.ts [--no-ledger] [--no-limits] [--no-decisions] [--no-log] [--no-telemetry]     prints microseconds for one request
 */
import { streamBody } from "../../src/runtime/stream-body.ts";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { builtinPlugins } from "../../plugins/builtin.ts";
import { keyedAccess } from "../../src/auth/access-control.ts";
import { hashApiKey } from "../../src/auth/api-key.ts";
import { RoleBook } from "../../src/auth/permissions.ts";
import { keyFieldsSchema, teamFieldsSchema } from "../../src/schema/account.ts";
import { loadSettings } from "../../src/config/load-settings.ts";
import { MemoryResponseCache } from "../../src/gateway/cache/response-cache.ts";
import { ResponseStore } from "../../src/gateway/responses/response-store.ts";
import { createApp } from "../../src/http/app.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { ModelLists } from "../../src/registry/model-lists.ts";
import { PriceBook } from "../../src/registry/price-book.ts";
import { writeAccessLine } from "../../src/roles/access-line.ts";
import { compose } from "../../src/roles/compose.ts";
import { createLimiter, openAccounts } from "../../src/roles/open-accounts.ts";
import { openUsageLedger } from "../../src/roles/open-usage-ledger.ts";
import { Generations } from "../../src/roles/generations.ts";
import { openDecisionLog } from "../../src/roles/open-decision-log.ts";
import { stateSettings } from "../../src/roles/state-settings.ts";
import { TargetStates } from "../../src/router/target-states.ts";
import { LineWriter } from "../../src/telemetry/line-writer.ts";
import { Logger } from "../../src/telemetry/logger.ts";
import { Telemetry } from "../../src/telemetry/telemetry.ts";
import memoryStore from "../../test/support/memory-store.ts";

const requests = Number(process.argv.find((argument) => /^\d+$/.test(argument)) ?? 200_000);
const directory = mkdtempSync(join(tmpdir(), "intellirouter-handler-"));
await Bun.write(
  join(directory, "config.toml"),
  `[[providers]]\nname = "one"\nkind = "openai-compatible"\nbase_url = "http://127.0.0.1:9/v1"\nlist_models = false
[[providers]]\nname = "two"\nkind = "openai-compatible"\nbase_url = "http://127.0.0.1:9/v1"\nlist_models = false
[[routes]]\nname = "*"\nwhen = "size(request.messages) < 1000"\ntargets = ["one/*", "two/*"]
[[models]]\nid = "one/bench"\nprice = { input = 0.15, output = 0.6 }\n`,
);
const loaded = await loadSettings({
  configPath: join(directory, "config.toml"),
  environment: {},
  cwd: directory,
});
const answer = JSON.stringify({
  id: "chatcmpl-bench",
  object: "chat.completion",
  created: 1_700_000_000,
  model: "bench",
  choices: [{
    index: 0,
    message: { role: "assistant", content: "x".repeat(700), refusal: null },
    logprobs: null,
    finish_reason: "stop",
  }],
  usage: { prompt_tokens: 200, completion_tokens: 175, total_tokens: 375 },
});
const sink = Bun.file("/dev/null").writer();
const lines = new LineWriter((text) => void sink.write(text), systemClock);
const logger = new Logger({
  level: "info",
  format: "json",
  now: () => systemClock.now(),
  write: lines.write,
});
const shared = {
  clock: systemClock,
  random: Math.random,
  logger,
  egress: () =>
    Promise.resolve(
      new Response(answer, {
        headers: { "content-type": "application/json", "content-length": String(answer.length) },
      }),
    ),
  dataDirectory: directory,
  states: new TargetStates(stateSettings(loaded)),
  lists: new ModelLists({ clock: systemClock, random: Math.random, logger, onChange: () => {} }),
  prices: new PriceBook(),
};
const decisions = openDecisionLog(loaded, shared);
const composition = await compose({ loaded, builtins: builtinPlugins, environment: {}, local: [], shared });
const generations = new Generations(composition, () => {});
const has = (flag: string) => process.argv.includes(flag);
const limits = {
  requests_per_minute: 1e9,
  requests_per_day: 1e9,
  tokens_per_minute: 1e12,
  tokens_per_day: 1e12,
  concurrent_requests: 1e6,
};
const budget = { daily_usd: 1e6, monthly_usd: 1e6, total_usd: 9e6 };
const usage = openUsageLedger({ ...shared, dataDirectory: directory }, () => loaded.settings);
const accounts = await openAccounts({ ...shared, dataDirectory: directory }, () => {});
accounts.book.configure({
  keys: [{
    id: "bench",
    hash: hashApiKey("bench-key-0123456789"),
    fields: keyFieldsSchema.parse(has("--no-limits") ? {} : { team: "core", limits, budget }),
  }],
  teams: new Map([["core", teamFieldsSchema.parse({ limits, budget })]]),
  organisations: new Map(),
  roles: new RoleBook(),
});
const limiter = createLimiter(shared, usage);
const access = keyedAccess(accounts.book);
const telemetry = new Telemetry({ clock: systemClock, onError: () => {} });
if (has("--traces")) {
  const tracing = { mode: "on", sample_ratio: 1, trust_parent: true, propagate: true } as const;
  telemetry.configure({ ...loaded.settings.telemetry, tracing }, [], new Map());
}
const handler = createApp({
  gateway: {
    clock: systemClock,
    acquire: () => generations.acquire(),
    responses: new ResponseStore(memoryStore(), {
      retentionMs: () => 0,
      now: () => systemClock.now(),
      onError: () => {},
    }),
    onPluginError: () => {},
    stopping: new AbortController().signal,
    limiter,
    cache: { store: new MemoryResponseCache(1), maxAnswerBytes: 1 },
    traces: telemetry.traces,
    ledger: has("--no-ledger") ? { begin: () => {} } : usage.ledger,
    record: (decision) => {
      if (!has("--no-ledger")) usage.ledger.settle(decision);
      if (!has("--no-decisions")) decisions.record(decision);
      if (!has("--no-telemetry")) telemetry.record(decision);
      if (!has("--no-log")) writeAccessLine(logger, decision);
    },
  },
  logger,
  access: () => access,
  accounts,
  limiter,
  usage: usage.database,
  flushUsage: () => usage.ledger.flush(),
  listModels: () => [],
  listCapabilities: () => [],
  decisions,
  memory: () => Promise.reject(new Error("nothing is remembered here")),
  retrieval: {
    open: () => {
      throw new Error("nothing is searched here");
    },
    search: () => Promise.reject(new Error("nothing is searched here")),
    onError: () => {},
  },
  scrape: () => telemetry.scrape(),
  chains: () => new Map(),
  chainRuns: { view: () => undefined, list: () => [] },
  auditLog: { list: () => [] },
  onRefused: (status) => telemetry.refused(status),
  ready: () => true,
  admit: () => () => {},
  streamBody,
  version: "bench",
}, {
  maxBytes: 33_554_432,
  maxDepth: 64,
  allowedHosts: new Set(),
  clientAddress: (address) => address,
  corsOrigins: [],
  corsMaxAgeSeconds: 600,
  accessLog: true,
  logPrompts: false,
});

const body = JSON.stringify({
  model: "bench",
  messages: [
    { role: "system", content: "You are a helpful assistant. ".repeat(10) },
    { role: "user", content: "Lorem ipsum dolor sit amet, consectetur adipiscing elit. ".repeat(10) },
  ],
});
const headers = {
  "content-type": "application/json",
  "content-length": String(body.length),
  host: "localhost",
  authorization: "Bearer bench-key-0123456789",
};
const connection = { remoteAddress: "127.0.0.1", keepOpen: () => () => {} };

async function run(count: number): Promise<void> {
  for (let index = 0; index < count; index++) {
    const response = await handler(
      new Request("http://localhost/v1/chat/completions", { method: "POST", body, headers }),
      connection,
    );
    if (response.status !== 200) throw new Error(await response.text());
  }
}

await run(20_000);
const cpu = process.cpuUsage();
const started = performance.now();
await run(requests);
const { user, system } = process.cpuUsage(cpu);
console.log(
  `${((performance.now() - started) / requests * 1000).toFixed(1)} us a request, ${
    ((user + system) / requests).toFixed(1)
  } us of CPU`,
);
decisions.close();
usage.close();
process.exit();
