/**
 * Plays recorded exchanges with a backend through its real plugin and the gateway's normalisation: one file for each, with what the
 * client asks, what the backend must be sent, what it answers, and what the client must get.
 */
import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type {
  ChatCompletionChunk,
  ChatCompletionRequest,
  FidelityLoss,
  PluginDefinition,
  Provider,
  StreamFrame,
  UpstreamError,
} from "intellirouter/plugin";
import { isUpstreamError } from "intellirouter/plugin";
import { ChatChunkNormaliser } from "../../src/gateway/normalise/chat-chunk-normaliser.ts";
import { normaliseChatCompletion } from "../../src/gateway/normalise/chat-completion.ts";
import { chatCompletionSchema } from "../../src/schema/chat-completion.ts";
import { checkStream } from "./strict-stream-checker.ts";
import { testHost } from "./test-host.ts";

type Loose = Readonly<Record<string, unknown>>;

/** One exchange as a file has it. */
export interface WireFixture {
  /** Options of the plugin. */
  readonly options?: Loose;
  /** By name; `{ "api_key": wireSecret }` when absent. */
  readonly secrets?: Readonly<Record<string, string>>;
  /** Files that the host downloads, by address; their bytes in base64. */
  readonly downloads?: Readonly<Record<string, { readonly mediaType: string; readonly data: string }>>;
  readonly request: ChatCompletionRequest;
  readonly url?: string;
  /** Headers that must be among those sent; null: must not be there. */
  readonly sentHeaders?: Readonly<Record<string, string | null>>;
  /** The exact body that the backend gets; a list where several requests go out. */
  readonly sent?: unknown;
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** The backend's JSON. */
  readonly answer?: unknown;
  /** Raw text; a list of events gets a blank line after each. */
  readonly stream?: string | readonly string[];
  /** Raw bytes in base64, or anything that the test's `toBytes` understands. */
  readonly binary?: unknown;
  readonly expect: WireExpectation;
}

export interface WireExpectation {
  readonly content?: string | null;
  readonly reasoning?: string;
  /** Name and arguments of each call. */
  readonly calls?: readonly (readonly [string, string])[];
  readonly callIds?: readonly string[];
  readonly finish?: string;
  /** Fields of the usage that must be there, details included. */
  readonly usage?: Loose;
  /** Fields of the message that must be there, as they are after pieces have been put together. */
  readonly message?: Loose;
  /** The texts of further choices. */
  readonly others?: readonly (string | null)[];
  /** Fields at the top of the answer (or of a piece of it) that must be there. */
  readonly top?: Loose;
  /** Every loss that is told, as `field: effect`, in order; none when absent. */
  readonly losses?: readonly string[];
  readonly error?: {
    readonly kind: string;
    readonly status?: number;
    readonly code?: string | null;
    readonly param?: string | null;
    readonly retryAfterMs?: number;
    /** A part of it. */
    readonly message?: string;
  };
}

/** What `host.secret` gives unless the fixture says otherwise. */
export const wireSecret = "sk-wire-0123456789";

const normaliserOptions = {
  includeUsage: true,
  forcedModel: undefined,
  fallbackId: "req_1",
  fallbackModel: "m",
  created: 1_700_000_000,
};

export interface WirePlayer {
  /** The folder with the fixtures, `import.meta.dir`. */
  readonly folder: string;
  readonly plugin: PluginDefinition<"provider">;
  /** Fixtures that there must be at least. */
  readonly least: number;
  /** Makes bytes of a fixture's `binary`; base64 when absent. */
  readonly toBytes?: (binary: unknown) => Uint8Array;
}

/** Registers a test for each fixture, and for each stream those of its cuts. */
export function playWireFixtures(player: WirePlayer): void {
  const files = readdirSync(player.folder).filter((file) => file.endsWith(".json"));
  test("there are fixtures", () => expect(files.length).toBeGreaterThanOrEqual(player.least));
  for (const file of files) {
    const fixture = JSON.parse(readFileSync(join(player.folder, file), "utf8")) as WireFixture;
    const bytes = bytesOf(fixture, player);
    describe(file.replace(".json", "").replaceAll("-", " "), () => {
      test("is carried both ways", async () => {
        const played = await play(fixture, player.plugin, [bytes]);
        expectSent(fixture, played);
        expectOutcome(fixture, played);
      });
      if (fixture.stream === undefined && fixture.binary === undefined) return;
      test("gives the same wherever it is cut into two reads", async () => {
        const whole = summary(await play(fixture, player.plugin, [bytes]));
        for (let cut = 1; cut < bytes.length; cut++) {
          const parts = [bytes.subarray(0, cut), bytes.subarray(cut)];
          const outcome = summary(await play(fixture, player.plugin, parts));
          if (!Bun.deepEquals(outcome, whole)) expect([cut, outcome]).toEqual([cut, whole]);
        }
      });
      if (fixture.expect.error !== undefined) return;
      test("is whole or an error, never a shorter answer, wherever the connection ends", async () => {
        const { content, calls, finish } = summary(await play(fixture, player.plugin, [bytes]));
        for (let end = 0; end < bytes.length; end++) {
          const played = await play(fixture, player.plugin, [bytes.subarray(0, end)]);
          if (isUpstreamError(played.failure)) continue;
          const found = summary(played);
          expect([end, found.content, found.calls, found.finish]).toEqual([end, content, calls, finish]);
        }
      });
    });
  }
}

interface Played {
  readonly seen: readonly {
    readonly url: string;
    readonly headers: Headers;
    readonly body: unknown;
  }[];
  readonly losses: readonly FidelityLoss[];
  readonly whole?: Loose | undefined;
  /** What the client gets of a stream. */
  readonly texts: readonly string[];
  readonly failure: unknown;
}

async function play(
  fixture: WireFixture,
  plugin: PluginDefinition<"provider">,
  parts: readonly Uint8Array[],
): Promise<Played> {
  const seen: { url: string; headers: Headers; body: unknown }[] = [];
  const losses: FidelityLoss[] = [];
  const secrets = fixture.secrets ?? { api_key: wireSecret };
  const host = testHost({
    secret: (name) => secrets[name],
    fetch: (url, init = {}) => {
      const body = typeof init.body === "string" && init.body !== "" ? JSON.parse(init.body) : undefined;
      seen.push({ url, headers: new Headers(init.headers as Record<string, string>), body });
      const { status = 200, headers = {} } = fixture;
      return Promise.resolve(new Response(streamOf(parts), { status, headers }));
    },
    download: (url) => {
      const file = fixture.downloads?.[url];
      if (file === undefined) return Promise.reject(new Error(`the fixture has no ${url}`));
      const data = Uint8Array.from(Buffer.from(file.data, "base64"));
      return Promise.resolve({ mediaType: file.mediaType, data });
    },
  });
  const context = {
    requestId: "req_1",
    signal: new AbortController().signal,
    reportLoss: (loss: FidelityLoss) => void losses.push(loss),
    tenant: "default",
  };
  const { request } = fixture;
  const texts: string[] = [];
  try {
    const provider = await plugin.create(plugin.options.parse(fixture.options ?? {}), host) as Provider;
    if (request.stream !== true) {
      const { body } = await provider.chat!.complete(request, context);
      return {
        seen,
        losses,
        texts,
        whole: normaliseChatCompletion(body, normaliserOptions),
        failure: undefined,
      };
    }
    const normaliser = new ChatChunkNormaliser(normaliserOptions);
    const { frames } = await provider.chat!.stream(request, context);
    for await (const batch of frames) {
      for (const frame of batch) normaliser.push(frame as StreamFrame<ChatCompletionChunk>, texts);
    }
    normaliser.finish(texts);
    return { seen, losses, texts, failure: undefined };
  } catch (failure) {
    return { seen, losses, texts, failure };
  }
}

function bytesOf({ answer, stream, binary }: WireFixture, { toBytes }: WirePlayer): Uint8Array {
  if (binary !== undefined) {
    return toBytes === undefined ? Uint8Array.from(Buffer.from(String(binary), "base64")) : toBytes(binary);
  }
  const text = typeof stream === "object" ? stream.map((event) => `${event}\n\n`).join("") : stream;
  return new TextEncoder().encode(text ?? (typeof answer === "string" ? answer : JSON.stringify(answer)));
}

function streamOf(parts: readonly Uint8Array[]): ReadableStream<Uint8Array> {
  const rest = parts.filter((part) => part.length > 0);
  return new ReadableStream({
    pull(controller) {
      const next = rest.shift();
      if (next === undefined) controller.close();
      // A copy: what was read belongs to the reader.
      else controller.enqueue(next.slice());
    },
  });
}

function expectSent(fixture: WireFixture, { seen }: Played): void {
  if (fixture.sent === null) return expect(seen).toEqual([]);
  if (fixture.sent !== undefined) {
    const bodies = seen.map(({ body }) => body);
    expect(bodies).toEqual(Array.isArray(fixture.sent) ? fixture.sent : [fixture.sent]);
  }
  for (const { url, headers } of seen) {
    if (fixture.url !== undefined) expect(url).toBe(fixture.url);
    for (const [name, value] of Object.entries(fixture.sentHeaders ?? {})) {
      expect([name, headers.get(name)]).toEqual([name, value]);
    }
  }
}

function expectOutcome(fixture: WireFixture, played: Played): void {
  const { expect: expected, request } = fixture;
  expect(played.losses.map(({ field, effect }) => `${field}: ${effect}`)).toEqual([...expected.losses ?? []]);
  const answer = summary(played);
  if (expected.error !== undefined) {
    expectError(played.failure, expected.error, fixture.secrets ?? { api_key: wireSecret });
    if (expected.content !== undefined) expect(answer.content).toBe(expected.content);
    return;
  }
  expect(played.failure).toBeUndefined();
  if (request.stream === true) {
    if ((request.n ?? 1) === 1) expect(checkStream(played.texts, true).problems).toEqual([]);
  } else expect(chatCompletionSchema.safeParse(played.whole).error).toBeUndefined();
  expect(answer.content).toBe(expected.content ?? null);
  expect(answer.reasoning).toBe(expected.reasoning ?? "");
  expect(answer.calls).toEqual((expected.calls ?? []).map((call) => [...call]));
  if (expected.callIds !== undefined) expect(answer.callIds).toEqual([...expected.callIds]);
  expect(answer.finish).toBe(expected.finish);
  if (expected.usage !== undefined) expect(answer.usage).toMatchObject(expected.usage);
  if (expected.message !== undefined) expect(answer.message).toMatchObject(expected.message);
  if (expected.top !== undefined) expect(answer.top).toMatchObject(expected.top);
  expect(answer.others).toEqual([...expected.others ?? []]);
}

function expectError(
  failure: unknown,
  expected: NonNullable<WireExpectation["error"]>,
  secrets: Readonly<Record<string, string>>,
): void {
  expect(failure).toBeInstanceOf(Error);
  expect(isUpstreamError(failure)).toBe(true);
  const { kind, status, code, param, retryAfterMs, message } = failure as UpstreamError;
  expect(kind as string).toBe(expected.kind);
  expect(message).toContain(expected.message ?? "");
  for (const secret of Object.values(secrets)) expect(message).not.toContain(secret);
  if (expected.status !== undefined) expect(status).toBe(expected.status);
  if (expected.code !== undefined) expect(code).toBe(expected.code);
  if (expected.param !== undefined) expect(param).toBe(expected.param);
  expect(retryAfterMs).toBe(expected.retryAfterMs);
}

/** What the client has in the end, whether it came whole or in pieces. */
function summary({ whole, texts, failure, losses }: Played) {
  const top: Loose = whole ?? Object.assign({}, ...texts.map((text) => JSON.parse(text)));
  const choices = whole === undefined ? joinPieces(texts) : whole.choices as Choice[];
  const message: Loose = choices[0]?.message ?? {};
  const calls = (message.tool_calls ?? []) as {
    readonly id: string;
    readonly function?: { readonly name: string; readonly arguments: string };
    readonly custom?: { readonly name: string; readonly input: string };
  }[];
  return {
    // Where there are no words, streams say so with an empty text.
    content: (message.content || null) as string | null,
    reasoning: (message.reasoning_content ?? "") as string,
    calls: calls.map(({ function: called, custom }) =>
      called === undefined ? [custom!.name, custom!.input] : [called.name, called.arguments]
    ),
    callIds: calls.map(({ id }) => id),
    finish: choices[0]?.finish_reason ?? undefined,
    usage: (top.usage ?? undefined) as Loose | undefined,
    message,
    others: choices.slice(1).map((choice) => (choice.message.content ?? null) as string | null),
    top,
    losses,
    failure: failure === undefined ? undefined : String(failure),
  };
}

interface Choice {
  readonly message: Record<string, unknown>;
  finish_reason: string | null;
}

/** Puts pieces together as clients do: by index, text to text. */
function joinPieces(texts: readonly string[]): Choice[] {
  const choices: Choice[] = [];
  for (const text of texts) {
    for (const { index, delta, finish_reason: finish } of JSON.parse(text).choices) {
      const choice = choices[index] ??= { message: {}, finish_reason: null };
      choice.finish_reason = finish ?? choice.finish_reason;
      joinInto(choice.message, delta);
    }
  }
  return choices;
}

const joined = new Set([
  "content",
  "refusal",
  "reasoning_content",
  "reasoning",
  "text",
  "summary",
  "arguments",
  "input",
]);

function joinInto(target: Record<string, unknown>, delta: Loose): void {
  for (const [field, value] of Object.entries(delta)) {
    const before = target[field];
    if (Array.isArray(value)) target[field] = joinLists((before ?? []) as Record<string, unknown>[], value);
    else if (typeof value === "string" && typeof before === "string" && joined.has(field)) {
      target[field] = before + value;
    } else if (typeof value === "object" && value !== null) {
      joinInto((target[field] ??= {}) as Record<string, unknown>, value as Loose);
    } else if (value !== null || before === undefined) target[field] = value;
  }
}

/** Items with an index are pieces of one; others stand for themselves. */
function joinLists(list: readonly Record<string, unknown>[], more: readonly Record<string, unknown>[]) {
  const all = [...list];
  for (const item of more) {
    const known = item.index === undefined
      ? undefined
      : all.find(({ index, type }) =>
        index === item.index && (item.type === undefined || type === item.type)
      );
    if (known === undefined) all.push(structuredClone(item));
    else joinInto(known, item);
  }
  return all;
}
