import { describe, expect, test } from "bun:test";
import type { EgressFetch, Provider } from "intellirouter/plugin";
import { UpstreamError } from "intellirouter/plugin";
import { testProvider } from "intellirouter/plugin/testing";
import ollamaNative from "../../plugins/providers/ollama-native/index.ts";
import { testHost } from "../support/test-host.ts";

const line = (content: string, more: object = {}) => ({
  model: "qwen3",
  created_at: "2026-11-01T12:00:00Z",
  message: { role: "assistant", content },
  done: false,
  ...more,
});
const done = { done: true, done_reason: "stop", prompt_eval_count: 3, eval_count: 2 };

const answering: EgressFetch = (url, { body, signal } = {}) => {
  if (signal?.aborted) return Promise.reject(signal.reason);
  const asked = String(body ?? "") === "" ? {} : JSON.parse(String(body));
  if (url.endsWith("/api/tags")) {
    return Promise.resolve(Response.json({ models: [{ name: "qwen3", model: "qwen3" }, { name: "gone" }] }));
  }
  if (url.endsWith("/api/show")) {
    return Promise.resolve(
      asked.model === "gone"
        ? Response.json({ error: "model 'gone' not found" }, { status: 404 })
        : Response.json({ capabilities: ["completion", "tools"] }),
    );
  }
  if (url.endsWith("/api/embed")) {
    return Promise.resolve(
      Response.json({ embeddings: asked.input.map(() => [1, 0]), prompt_eval_count: 4 }),
    );
  }
  if (asked.stream !== true) return Promise.resolve(Response.json(line("Hello there.", done)));
  const text = [line("Hello "), line("there."), line("", done)].map((each) => `${JSON.stringify(each)}\n`)
    .join("");
  return Promise.resolve(new Response(text, { headers: { "content-type": "application/x-ndjson" } }));
};
const failing: EgressFetch = () =>
  Promise.reject(new UpstreamError({ kind: "unavailable", message: "away" }));

const make = (fetch: EgressFetch, options: object = {}) =>
  ollamaNative.create(ollamaNative.options.parse(options), testHost({ fetch })) as Promise<Provider>;

describe("ollama-native", () => {
  testProvider({ describe, test, expect }, {
    make: () => make(answering),
    chatModel: "qwen3",
    embeddingModel: "all-minilm",
    makeFailing: () => make(failing),
  });

  test("lists what the server has, one that went meanwhile by its name alone", async () => {
    const context = { requestId: "r", signal: new AbortController().signal };
    const models = await (await make(answering)).listModels!(context);
    expect(models.map(({ id, tools }) => [id, tools])).toEqual([["qwen3", true], ["gone", undefined]]);
  });

  test("embeds texts, not tokens, and refuses to cut them", async () => {
    const sent: unknown[] = [];
    const provider = await make((url, init) => {
      sent.push(JSON.parse(String(init?.body)));
      return answering(url, init);
    }, { num_ctx: 512 });
    const context = {
      requestId: "r",
      signal: new AbortController().signal,
      reportLoss: () => {},
      tenant: "t",
    };
    const { body } = await provider.embeddings!.create({ model: "m", input: "one", dimensions: 2 }, context);
    expect(body).toMatchObject({ data: [{ embedding: [1, 0] }], usage: { prompt_tokens: 4 } });
    expect(sent).toEqual([{
      model: "m",
      input: ["one"],
      dimensions: 2,
      options: { num_ctx: 512 },
      truncate: false,
    }]);
    const refused = await provider.embeddings!.create({ model: "m", input: [1] }, context).catch((error) =>
      error
    );
    expect(refused).toMatchObject({ kind: "unsupported", param: "input" });
  });

  test("refuses an option that it does not know", () => {
    expect(ollamaNative.options.safeParse({ no_such_option: 1 }).success).toBe(false);
    expect(ollamaNative.options.safeParse({ keep_alive: "1h30m" }).success).toBe(true);
    expect(ollamaNative.options.safeParse({ keep_alive: "soon" }).success).toBe(false);
  });
});
