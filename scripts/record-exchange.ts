import process from "node:process";
import { ChatChunkNormaliser } from "../src/gateway/normalise/chat-chunk-normaliser.ts";
import { normaliseChatCompletion } from "../src/gateway/normalise/chat-completion.ts";
import type { PluginDefinition } from "../src/plugin/api/define-plugin.ts";
import type { FidelityLoss } from "../src/plugin/api/provider.ts";
import { isUpstreamError } from "../src/plugin/api/upstream-error.ts";
import { createEgress } from "../src/plugin/host/egress.ts";
import { createDownload } from "../src/plugin/host/download.ts";
import type { ChatCompletion, ChatCompletionRequest } from "../src/schema/chat-completion.ts";

type Loose = Readonly<Record<string, unknown>>;

export interface Recording {
  readonly plugin: PluginDefinition<"provider">;
  readonly options: Loose;
  readonly secrets: Readonly<Record<string, string>>;
  readonly request: Loose;
}

/** Response headers that say something to the gateway; every other may tell whose account it is. */
const keptHeaders = /^(?:content-type|retry-after(?:-ms)?|(?:x|anthropic)-ratelimit-[\w-]+)$/;

/** What stands in a fixture where a secret was. */
const hidden = "[secret]";

/** Asks the backend once and gives the fixture, in the form that `test/support/wire-fixtures.ts` plays. */
export async function recordExchange({ plugin, options, secrets, request }: Recording): Promise<Loose> {
  const egress = createEgress();
  const signal = new AbortController().signal;
  const sent: unknown[] = [];
  let response: { status: number; headers: Record<string, string>; bytes: Promise<Uint8Array> } | undefined;
  const provider = await plugin.create(plugin.options.parse(options), {
    logger: { debug() {}, info() {}, warn() {}, error() {} },
    now: () => Date.now(),
    random: Math.random,
    secret: (name) => secrets[name],
    variable: (name) => process.env[name]?.trim() || undefined,
    download: createDownload({ allow_private_hosts: false, max_bytes: 20_971_520, timeout_ms: 10_000 }),
    sqlite: () => {
      throw new Error("a recording has no database");
    },
    fetch: async (url, init) => {
      const answer = await egress(url, init);
      if (typeof init?.body === "string" && init.body.startsWith("{")) sent.push(JSON.parse(init.body));
      const [forFixture, forProvider] = answer.body === null ? [null, null] : answer.body.tee();
      const headers = [...answer.headers].filter(([name]) => keptHeaders.test(name));
      response = {
        status: answer.status,
        headers: Object.fromEntries(headers),
        bytes: new Response(forFixture).bytes(),
      };
      return new Response(forProvider, { status: answer.status, headers: answer.headers });
    },
  });
  const losses: FidelityLoss[] = [];
  const context = {
    requestId: "req_1",
    signal,
    tenant: "default",
    reportLoss: (loss: FidelityLoss) => void losses.push(loss),
  };
  const outcome = await outcomeOf(provider.chat!, request as ChatCompletionRequest, context);
  await provider.close?.();
  if (response === undefined) throw new Error("the provider asked nothing");
  const fixture = {
    ...(Object.keys(options).length === 0 ? {} : { options }),
    request,
    sent: sent.length === 1 ? sent[0] : sent,
    status: response.status,
    headers: response.headers,
    ...bodyOf(await response.bytes, response.headers["content-type"] ?? ""),
    expect: {
      ...outcome,
      ...(losses.length === 0 ? {} : { losses: losses.map(({ field, effect }) => `${field}: ${effect}`) }),
    },
  };
  return scrub(fixture, Object.values(secrets)) as Loose;
}

type Chat = NonNullable<Awaited<ReturnType<PluginDefinition<"provider">["create"]>>["chat"]>;

async function outcomeOf(
  chat: Chat,
  request: ChatCompletionRequest,
  context: Parameters<Chat["complete"]>[1],
): Promise<Loose> {
  const options = {
    includeUsage: true,
    forcedModel: undefined,
    fallbackId: "req_1",
    fallbackModel: "m",
    created: 1_700_000_000,
  };
  try {
    if (request.stream !== true) {
      return summary(normaliseChatCompletion((await chat.complete(request, context)).body, options));
    }
    const normaliser = new ChatChunkNormaliser(options);
    const texts: string[] = [];
    for await (const batch of (await chat.stream(request, context)).frames) {
      for (const frame of batch) normaliser.push(frame, texts);
    }
    normaliser.finish(texts);
    return joined(texts);
  } catch (error) {
    if (!isUpstreamError(error)) throw error;
    const { kind, status, code, param, retryAfterMs } = error;
    return { error: { kind, status, code, param, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) } };
  }
}

function summary({ choices: [choice], usage }: ChatCompletion): Loose {
  const { content, tool_calls: calls = [] } = choice!.message;
  return {
    content,
    ...(calls.length === 0
      ? {}
      : { calls: calls.map((call) => [call.function?.name, call.function?.arguments]) }),
    finish: choice!.finish_reason,
    usage,
  };
}

function joined(texts: readonly string[]): Loose {
  let content: string | null = null;
  let finish: unknown;
  let usage: unknown;
  const calls: [string, string][] = [];
  for (const chunk of texts.map((text) => JSON.parse(text))) {
    usage = chunk.usage ?? usage;
    for (const { index, delta, finish_reason: reason } of chunk.choices) {
      if (index !== 0) continue;
      finish = reason ?? finish;
      if (typeof delta.content === "string") content = (content ?? "") + delta.content;
      for (const call of delta.tool_calls ?? []) {
        const known = calls[call.index] ??= ["", ""];
        known[0] += call.function?.name ?? "";
        known[1] += call.function?.arguments ?? "";
      }
    }
  }
  return { content, ...(calls.length === 0 ? {} : { calls }), finish, usage };
}

function bodyOf(bytes: Uint8Array, contentType: string): Loose {
  if (contentType.includes("eventstream")) return { binary: Buffer.from(bytes).toString("base64") };
  const text = new TextDecoder().decode(bytes);
  if (contentType.includes("event-stream") || contentType.includes("ndjson")) return { stream: text };
  try {
    return { answer: JSON.parse(text) };
  } catch {
    return { answer: text };
  }
}

function scrub(value: unknown, secrets: readonly string[]): unknown {
  if (typeof value === "string") {
    return secrets.reduce((text, secret) => text.replaceAll(secret, hidden), value);
  }
  if (Array.isArray(value)) return value.map((item) => scrub(item, secrets));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, scrub(inner, secrets)]));
}
