/** The whole gateway in this process, before the backends that `backends.ts` plays: no sockets, so that thousands of requests are quick. */
import { AccountManager } from "../../../src/auth/accounts/account-manager.ts";
import { openAccess } from "../../../src/auth/access-control.ts";
import { loadSettings } from "../../../src/config/load-settings.ts";
import type { Generation } from "../../../src/gateway/gateway-services.ts";
import { MemoryResponseCache } from "../../../src/gateway/cache/response-cache.ts";
import { ResponseStore } from "../../../src/gateway/responses/response-store.ts";
import { createApp } from "../../../src/http/app.ts";
import { systemClock } from "../../../src/lib/clock.ts";
import type { RequestHandler } from "../../../src/lib/connection.ts";
import { ModelRegistry } from "../../../src/registry/model-registry.ts";
import { PriceBook } from "../../../src/registry/price-book.ts";
import { stateSettings } from "../../../src/roles/state-settings.ts";
import { Router } from "../../../src/router/router.ts";
import { TargetStates } from "../../../src/router/target-states.ts";
import { streamBody } from "../../../src/runtime/stream-body.ts";
import { UsageDatabase } from "../../../src/telemetry/ledger/usage-database.ts";
import { Telemetry } from "../../../src/telemetry/telemetry.ts";
import { Logger } from "../../../src/telemetry/logger.ts";
import { accountBook, freeLimiter } from "../../support/account-fixtures.ts";
import memoryStore from "../../support/memory-store.ts";
import { testHost } from "../../support/test-host.ts";
import { type Backend, backends } from "../backends.ts";
import { makeProvider, type SentRequest } from "../matrix.ts";
import type { Ingress } from "../matrix.ts";

export const pathOf: Readonly<Record<Ingress, string>> = {
  chat: "/v1/chat/completions",
  messages: "/v1/messages",
  responses: "/v1/responses",
};

/** What became of one request. */
export interface Outcome {
  readonly status: number;
  /** The body of an answer that is no success. */
  readonly error: unknown;
  /** What the header of losses names. */
  readonly losses: readonly string[];
  /** All that backends were asked: the addresses, the headers that belong to their protocols, and the bodies. */
  readonly sent: string;
}

export interface Request {
  readonly body: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
}

export class SweptGateway {
  readonly #handler: RequestHandler;
  readonly #sent: SentRequest[];
  readonly #known = new Map<string, Outcome>();

  private constructor(handler: RequestHandler, sent: SentRequest[]) {
    this.#handler = handler;
    this.#sent = sent;
  }

  static async start(): Promise<SweptGateway> {
    const loaded = await loadSettings({ environment: {}, cwd: "/nonexistent" });
    const logger = new Logger({ level: "silent", format: "json", now: () => 0, write: () => {} });
    const sent: SentRequest[] = [];
    const generation = await generationOf(sent, loaded, logger);
    const store = memoryStore();
    const access = openAccess(new Set(), new Set());
    const book = await accountBook();
    const telemetry = new Telemetry({ clock: systemClock, onError: () => {} });
    const services = {
      gateway: {
        clock: systemClock,
        acquire: () => ({ generation, release: () => {} }),
        record: () => {},
        responses: new ResponseStore(store, {
          retentionMs: () => 60_000,
          now: () => systemClock.now(),
          onError: (error: unknown) => {
            throw error;
          },
        }),
        onPluginError: (where: string, error: unknown) => {
          throw new Error(`the provider ${where} failed`, { cause: error });
        },
        stopping: new AbortController().signal,
        cache: { store: new MemoryResponseCache(1), maxAnswerBytes: 1 },
        limiter: freeLimiter(systemClock),
        ledger: { begin: () => {} },
        traces: telemetry.traces,
      },
      logger,
      access: () => access,
      accounts: { book, manager: new AccountManager({ book, clock: systemClock, audit: () => {} }) },
      limiter: freeLimiter(systemClock),
      usage: new UsageDatabase(testHost().sqlite("usage")),
      flushUsage: () => {},
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
      onRefused: () => {},
      listModels: () => [],
      listCapabilities: () => [],
      decisions: { get: () => undefined, list: () => [] },
      ready: () => true,
      admit: () => () => {},
      streamBody,
      version: "0",
    };
    const handler = createApp(services, {
      maxBytes: 1 << 20,
      maxDepth: 64,
      allowedHosts: new Set(),
      clientAddress: (address) => address,
      corsOrigins: [],
      corsMaxAgeSeconds: 0,
      accessLog: false,
      logPrompts: false,
    });
    return new SweptGateway(handler, sent);
  }

  /** Asks a backend through the gateway; the same question is asked once. One at a time. */
  async ask(ingress: Ingress, backend: Backend, { body, headers = {} }: Request): Promise<Outcome> {
    const text = JSON.stringify({ ...body, model: `${backend.name}/${backend.model}` });
    const key = JSON.stringify([ingress, text, headers]);
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    this.#sent.length = 0;
    const response = await this.#handler(
      new Request(`http://localhost${pathOf[ingress]}`, {
        method: "POST",
        headers: {
          host: "localhost",
          "content-type": "application/json",
          "x-intellirouter-fidelity": "report",
          ...headers,
        },
        body: text,
      }),
      { remoteAddress: undefined, keepOpen: () => () => {} },
    );
    const answer = await response.text();
    const outcome = {
      status: response.status,
      error: response.ok ? undefined : JSON.parse(answer),
      losses: (response.headers.get("x-intellirouter-losses") ?? "none").split(", ").filter((loss) =>
        loss !== "none"
      ),
      sent: this.#sent.map(({ url, headers, body }) => `${url}\n${headers}\n${body}`).join("\n"),
    };
    this.#known.set(key, outcome);
    return outcome;
  }
}

async function generationOf(
  sent: SentRequest[],
  loaded: Awaited<ReturnType<typeof loadSettings>>,
  logger: Logger,
): Promise<Generation> {
  const { settings } = loaded;
  const providers = new Map(
    await Promise.all(backends.map(async (each) => [each.name, await makeProvider(each, sent)] as const)),
  );
  const catalog = new ModelRegistry({
    providers: backends.map(({ name, model }) => ({
      name,
      provider: providers.get(name)!,
      priceId: undefined,
      configuredModels: [model],
      bareNames: false,
      listed: () => undefined,
    })),
    models: [],
    prices: new PriceBook(),
  });
  const router = new Router({
    routes: [],
    routing: settings.routing,
    catalog,
    directStrategy: { rank: (targets) => targets.map(({ id }) => ({ id })) },
    states: new TargetStates(stateSettings(loaded)),
    clock: systemClock,
    random: () => 0.5,
    logger,
  });
  return {
    router,
    providers,
    echoRequestedModel: false,
    stages: [],
    cleansesAnswers: true,
    ownProviders: new Map(),
    heartbeatMs: 0,
    policyHash: "0",
  };
}
