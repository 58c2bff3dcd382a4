import type { ChatCompletionChunk, Provider, StreamFrame } from "intellirouter/plugin";
import { freeLimiter } from "./account-fixtures.ts";
import memoryStore from "./memory-store.ts";
import { configuredOrder } from "./router-fixtures.ts";
import { loadSettings } from "../../src/config/load-settings.ts";
import { MemoryResponseCache } from "../../src/gateway/cache/response-cache.ts";
import type { AnswerStream, GatewayAnswer } from "../../src/gateway/gateway-call.ts";
import type { GatewayServices, Generation } from "../../src/gateway/gateway-services.ts";
import { ResponseStore } from "../../src/gateway/responses/response-store.ts";
import type { Stage } from "../../src/gateway/stages/stage.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { ModelRegistry } from "../../src/registry/model-registry.ts";
import { PriceBook } from "../../src/registry/price-book.ts";
import { stateSettings } from "../../src/roles/state-settings.ts";
import type { CompiledRoute } from "../../src/router/resolve.ts";
import { Router } from "../../src/router/router.ts";
import { TargetStates } from "../../src/router/target-states.ts";
import type { Decision } from "../../src/schema/decision.ts";
import { Logger } from "../../src/telemetry/logger.ts";
import { Telemetry } from "../../src/telemetry/telemetry.ts";

/** A gateway without its HTTP surface, before providers that a test plays. */
export interface TestGateway {
  readonly services: GatewayServices;
  /** The records that requests have left. */
  readonly decisions: Decision[];
}

export async function testGateway(
  { providers, stages = [], models = [], routes = [], limiter = freeLimiter(systemClock) }: {
    readonly models?: ConstructorParameters<typeof ModelRegistry>[0]["models"];
    readonly routes?: readonly CompiledRoute[];
    readonly limiter?: GatewayServices["limiter"];
    readonly providers: Readonly<Record<string, Provider>>;
    readonly stages?: readonly Stage[];
  },
): Promise<TestGateway> {
  const loaded = await loadSettings({ environment: {}, cwd: "/nonexistent" });
  const logger = new Logger({ level: "silent", format: "json", now: () => 0, write: () => {} });
  const byName = new Map(Object.entries(providers));
  const catalog = new ModelRegistry({
    providers: [...byName].map(([name, provider]) => ({
      name,
      provider,
      priceId: undefined,
      configuredModels: ["m"],
      bareNames: false,
      listed: () => undefined,
    })),
    models,
    prices: new PriceBook(),
  });
  const router = new Router({
    routes,
    routing: loaded.settings.routing,
    catalog,
    directStrategy: configuredOrder,
    states: new TargetStates(stateSettings(loaded)),
    clock: systemClock,
    random: () => 0.5,
    logger,
  });
  const generation: Generation = {
    router,
    providers: byName,
    stages,
    ownProviders: new Map(),
    cleansesAnswers: true,
    echoRequestedModel: false,
    heartbeatMs: 0,
    policyHash: "0",
  };
  const decisions: Decision[] = [];
  const services: GatewayServices = {
    clock: systemClock,
    acquire: () => ({ generation, release: () => {} }),
    record: (decision) => void decisions.push(decision),
    responses: new ResponseStore(memoryStore(), {
      retentionMs: () => 60_000,
      now: () => systemClock.now(),
      onError: (error: unknown) => {
        throw error;
      },
    }),
    onPluginError: (where, error) => {
      throw new Error(`the provider ${where} failed`, { cause: error });
    },
    stopping: new AbortController().signal,
    cache: { store: new MemoryResponseCache(1 << 20), maxAnswerBytes: 1 << 20 },
    limiter,
    ledger: { begin: () => {} },
    traces: new Telemetry({ clock: systemClock, onError: () => {} }).traces,
  };
  return { services, decisions };
}

/** A provider that says the same to everybody, a word a piece, and remembers what it was asked. */
export function sayingProvider(text: string): Provider & { readonly asked: unknown[]; closed: number } {
  const asked: unknown[] = [];
  const usage = { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 };
  const head = { id: "c1", created: 1_700_000_000, model: "m" };
  const provider = {
    asked,
    closed: 0,
    chat: {
      complete: (request: unknown) => {
        asked.push(request);
        const message = { role: "assistant" as const, content: text };
        return Promise.resolve({
          body: {
            ...head,
            object: "chat.completion" as const,
            choices: [{ index: 0, message, finish_reason: "stop" as const }],
            usage,
          },
        });
      },
      stream: (request: unknown) => {
        asked.push(request);
        const piece = (delta: object, finish_reason: "stop" | null, more: object = {}) =>
          ({
            ...head,
            object: "chat.completion.chunk",
            choices: [{ index: 0, delta, finish_reason }],
            ...more,
          }) as ChatCompletionChunk;
        async function* frames(): AsyncGenerator<readonly StreamFrame<ChatCompletionChunk>[]> {
          try {
            for (const word of text.split(/(?<= )/)) {
              await Promise.resolve();
              yield [{ chunk: piece({ role: "assistant", content: word }, null) }];
            }
            yield [{ chunk: piece({}, "stop", { usage }) }];
          } finally {
            provider.closed++;
          }
        }
        return Promise.resolve({ frames: frames() });
      },
    },
  };
  return provider;
}

/** All pieces of an answer. */
export async function piecesOf({ content }: GatewayAnswer): Promise<string[]> {
  if (!("stream" in content)) throw new Error("the answer is whole");
  return await drain(content.stream);
}

async function drain(stream: AnswerStream): Promise<string[]> {
  const pieces: string[] = [];
  for (let texts = await stream.next(); texts !== undefined; texts = await stream.next()) {
    pieces.push(...texts);
  }
  return pieces;
}
