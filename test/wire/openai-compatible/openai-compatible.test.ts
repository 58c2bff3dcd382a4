/**
 * Requests and answers in the shapes that vendors document or are known for (wire facts §2), one file each, through the
 * vendor's own plugin and the gateway's normalisation.
 */
import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { ChatCompletionRequest, PluginDefinition, Provider, UpstreamError } from "intellirouter/plugin";
import { isUpstreamError } from "intellirouter/plugin";
import { builtinPlugins } from "../../../plugins/builtin.ts";
import { ChatChunkNormaliser } from "../../../src/gateway/normalise/chat-chunk-normaliser.ts";
import { normaliseChatCompletion } from "../../../src/gateway/normalise/chat-completion.ts";
import { chatCompletionSchema } from "../../../src/schema/chat-completion.ts";
import { checkStream } from "../../support/strict-stream-checker.ts";
import { testHost } from "../../support/test-host.ts";

interface Fixture {
  readonly plugin: string;
  /** `null`: the server takes no key. */
  readonly key?: null;
  readonly request: ChatCompletionRequest;
  readonly sent?: { readonly url: string; readonly body: unknown };
  readonly response: {
    readonly status: number;
    readonly headers: Record<string, string>;
    readonly body?: unknown;
    readonly text?: string;
    /** Lines of a stream, with a blank one after each. */
    readonly events?: readonly string[];
    /** The connection ends in the middle of the last event. */
    readonly unfinished?: boolean;
  };
  readonly expected: {
    readonly content?: string;
    readonly reasoning?: string;
    readonly calls?: readonly (readonly [string, string])[];
    readonly finish?: string;
    /** Prompt, completion, total. */
    readonly usage?: readonly number[];
    readonly cached?: number;
    readonly absent?: readonly string[];
    /** Faultless: what the client gets is what the backend sent. */
    readonly unchanged?: boolean;
    readonly kind?: string;
    readonly status?: number;
    readonly code?: string;
    readonly retryAfterMs?: number;
    readonly message?: string;
  };
}

const apiKey = "sk-wire-0123456789";
const options = { includeUsage: true, forcedModel: undefined, fallbackId: "req_1", fallbackModel: "m", created: 1 };
const files = readdirSync(import.meta.dir).filter((file) => file.endsWith(".json"));

function exchange(fixture: Fixture) {
  const { status, headers, body, text, events, unfinished = false } = fixture.response;
  const answer = events === undefined
    ? text ?? JSON.stringify(body)
    : events.join("\n\n") + (unfinished ? "" : "\n\n");
  const seen: { url: string; init: { headers?: unknown; body?: unknown } }[] = [];
  const host = testHost({
    secret: () => fixture.key === null ? undefined : apiKey,
    fetch: (url, init = {}) => {
      seen.push({ url, init });
      return Promise.resolve(new Response(answer, { status, headers }));
    },
  });
  const plugin = builtinPlugins.find(({ kind, name }) => kind === "provider" && name === fixture.plugin) as
    PluginDefinition<"provider">;
  return { provider: plugin.create(plugin.options.parse({}), host) as Provider, seen };
}

async function answerOf({ chat }: Provider, request: ChatCompletionRequest) {
  const context = { requestId: "req_1", signal: new AbortController().signal, reportLoss: () => {}, tenant: "default" };
  const texts: string[] = [];
  try {
    if (request.stream !== true) {
      const { body } = await chat!.complete(request, context);
      return { texts, whole: normaliseChatCompletion(body, options), failure: undefined };
    }
    const normaliser = new ChatChunkNormaliser(options);
    const { frames } = await chat!.stream(request, context);
    for await (const batch of frames) for (const frame of batch) normaliser.push(frame, texts);
    normaliser.finish(texts);
    return { texts, whole: undefined, failure: undefined };
  } catch (failure) {
    return { texts, whole: undefined, failure };
  }
}

test("there are fixtures", () => expect(files.length).toBeGreaterThanOrEqual(20));

for (const file of files) {
  test(file.replace(".json", "").replaceAll("-", " "), async () => {
    const fixture = JSON.parse(readFileSync(join(import.meta.dir, file), "utf8")) as Fixture;
    const { expected, request, response } = fixture;
    const { provider, seen } = exchange(fixture);
    const { texts, whole, failure } = await answerOf(provider, request);

    expect(seen).toHaveLength(1);
    const sentHeaders = new Headers(seen[0]!.init.headers as Record<string, string>);
    expect(sentHeaders.get("authorization")).toBe(fixture.key === null ? null : `Bearer ${apiKey}`);
    if (fixture.sent !== undefined) {
      expect(seen[0]!.url).toBe(fixture.sent.url);
      expect(JSON.parse(String(seen[0]!.init.body))).toEqual(fixture.sent.body);
    }

    if (expected.kind !== undefined) {
      expect(isUpstreamError(failure)).toBe(true);
      const { kind, status, code, retryAfterMs, message } = failure as UpstreamError;
      expect(kind as string).toBe(expected.kind);
      expect(message).toContain(expected.message ?? "");
      expect(message).not.toContain(apiKey);
      if (expected.status !== undefined) expect(status).toBe(expected.status);
      if (expected.code !== undefined) expect(code).toBe(expected.code);
      expect(retryAfterMs).toBe(expected.retryAfterMs);
      expect(checkStream(texts, true).content).toBe(expected.content ?? "");
      return;
    }

    expect(failure).toBeUndefined();
    if (whole !== undefined) {
      expect(chatCompletionSchema.safeParse(whole).error).toBeUndefined();
      if (expected.unchanged === true) expect(whole as unknown).toEqual(response.body);
      const { message, finish_reason: finish } = whole.choices[0]!;
      expect(message.content).toBe(expected.content ?? null);
      expect(message.reasoning_content).toBe(expected.reasoning);
      expect(finish as string).toBe(expected.finish!);
      const calls = (message.tool_calls ?? []).map(({ function: called }) => [called?.name, called?.arguments]);
      expect(calls as unknown).toEqual([...expected.calls ?? []]);
      expectUsage(whole.usage, expected);
      for (const field of expected.absent ?? []) expect(field in whole).toBe(false);
      return;
    }
    const checked = checkStream(texts, true);
    expect(checked.problems).toEqual([]);
    if (expected.unchanged === true) {
      const sent = response.events!.map((event) => event.slice("data: ".length)).filter((text) => text !== "[DONE]");
      expect(texts).toEqual(sent);
    }
    expect(checked.content).toBe(expected.content ?? "");
    expect(checked.reasoning).toBe(expected.reasoning ?? "");
    expect(checked.finish).toBe(expected.finish);
    expect(checked.calls.map(({ name, arguments: text }) => [name, text])).toEqual(
      (expected.calls ?? []).map((call) => [...call]),
    );
    expectUsage(checked.usage, expected);
  });
}

function expectUsage(given: unknown, { usage, cached }: Fixture["expected"]): void {
  const found = given as Record<string, unknown> | undefined;
  if (usage === undefined) return expect(found).toBeUndefined();
  const { prompt_tokens, completion_tokens, total_tokens, prompt_tokens_details: details } = found ?? {};
  expect([prompt_tokens, completion_tokens, total_tokens]).toEqual([...usage]);
  if (cached !== undefined) expect(details).toMatchObject({ cached_tokens: cached });
}
