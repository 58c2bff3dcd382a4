import { describe, expect, test } from "bun:test";
import type { EgressFetch, Provider } from "intellirouter/plugin";
import { UpstreamError } from "intellirouter/plugin";
import { testProvider } from "intellirouter/plugin/testing";
import gemini from "../../plugins/providers/gemini/index.ts";
import { testHost } from "../support/test-host.ts";

const piece = (text: string, finishReason?: string) => ({
  candidates: [{ content: { parts: [{ text }], role: "model" }, finishReason, index: 0 }],
  usageMetadata: { promptTokenCount: 5, candidatesTokenCount: 2, totalTokenCount: 7 },
  modelVersion: "gemini-3-flash-preview",
  responseId: "r1",
});

const answering: EgressFetch = (url, { body, signal } = {}) => {
  if (signal?.aborted) return Promise.reject(signal.reason);
  if (url.includes("/models?")) {
    const entry = { name: "models/gemini-3-flash-preview", supportedGenerationMethods: ["generateContent"] };
    return Promise.resolve(Response.json({ models: [entry] }));
  }
  if (url.endsWith(":batchEmbedContents")) {
    const { requests } = JSON.parse(String(body)) as { requests: unknown[] };
    return Promise.resolve(Response.json({ embeddings: requests.map(() => ({ values: [1, 0] })) }));
  }
  if (url.endsWith(":generateContent")) return Promise.resolve(Response.json(piece("Hello there.", "STOP")));
  const text = [piece("Hello "), piece("there.", "STOP")].map((event) =>
    `data: ${JSON.stringify(event)}\r\n\r\n`
  );
  return Promise.resolve(new Response(text.join(""), { headers: { "content-type": "text/event-stream" } }));
};
const failing: EgressFetch = () =>
  Promise.reject(new UpstreamError({ kind: "unavailable", message: "away" }));

const make = (fetch: EgressFetch) =>
  gemini.create(gemini.options.parse({}), testHost({ fetch, secret: () => "sk-x" })) as Promise<Provider>;

describe("gemini", () => {
  testProvider({ describe, test, expect }, {
    make: () => make(answering),
    chatModel: "gemini-3-flash-preview",
    embeddingModel: "gemini-embedding-001",
    makeFailing: () => make(failing),
  });

  test("lists what the API lists", async () => {
    const context = { requestId: "r", signal: new AbortController().signal };
    expect((await (await make(answering)).listModels!(context)).map(({ id }) => id)).toEqual([
      "gemini-3-flash-preview",
    ]);
  });

  test("refuses an option that it does not know", () => {
    expect(gemini.options.safeParse({ no_such_option: 1 }).success).toBe(false);
  });
});
