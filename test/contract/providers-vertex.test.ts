import { describe, expect, test } from "bun:test";
import type { EgressFetch, Provider } from "intellirouter/plugin";
import { UpstreamError } from "intellirouter/plugin";
import { testProvider } from "intellirouter/plugin/testing";
import vertex from "../../plugins/providers/vertex/index.ts";
import { testHost } from "../support/test-host.ts";

const piece = (text: string, finishReason?: string) => ({
  candidates: [{ content: { parts: [{ text }], role: "model" }, finishReason }],
  usageMetadata: { promptTokenCount: 5, candidatesTokenCount: 2, totalTokenCount: 7 },
});

const answering: EgressFetch = (url, { body, signal } = {}) => {
  if (signal?.aborted) return Promise.reject(signal.reason);
  if (url.includes("/publishers/google/models?")) {
    const names = ["gemini-2.5-flash", "gemini-2.5-flash", "text-embedding-005", "imagen-4.0-generate-001"];
    const publisherModels = names.map((name) => ({
      name: `publishers/google/models/${name}`,
      versionId: "default",
    }));
    return Promise.resolve(Response.json({ publisherModels }));
  }
  if (url.endsWith(":predict")) {
    const { instances } = JSON.parse(String(body)) as { instances: unknown[] };
    const predictions = instances.map(() => ({
      embeddings: { values: [1, 0], statistics: { token_count: 1 } },
    }));
    return Promise.resolve(Response.json({ predictions }));
  }
  if (url.endsWith(":generateContent")) return Promise.resolve(Response.json(piece("Hello there.", "STOP")));
  const text = [piece("Hello "), piece("there.", "STOP")].map((event) =>
    `data: ${JSON.stringify(event)}\r\n\r\n`
  );
  return Promise.resolve(new Response(text.join(""), { headers: { "content-type": "text/event-stream" } }));
};
const failing: EgressFetch = () =>
  Promise.reject(new UpstreamError({ kind: "unavailable", message: "away" }));

const secret = (name: string) => name === "access_token" ? "ya29.x" : undefined;
const make = (fetch: EgressFetch) =>
  vertex.create(vertex.options.parse({ project: "p" }), testHost({ fetch, secret })) as Promise<Provider>;

describe("vertex", () => {
  testProvider({ describe, test, expect }, {
    make: () => make(answering),
    chatModel: "gemini-2.5-flash",
    embeddingModel: "text-embedding-005",
    makeFailing: () => make(failing),
  });

  test("lists each model once, of those that it can speak to", async () => {
    const context = { requestId: "r", signal: new AbortController().signal };
    const ids = (await (await make(answering)).listModels!(context)).map(({ id }) => id);
    expect(ids).toEqual(["gemini-2.5-flash", "text-embedding-005"]);
  });

  test("needs a project unless a key stands for one", async () => {
    const create = async (name: string) =>
      await vertex.create(
        vertex.options.parse({}),
        testHost({ secret: (each) => each === name ? "x" : undefined }),
      );
    expect(await create("access_token").catch(String)).toContain("project");
    expect(await create("api_key")).toHaveProperty("chat");
  });

  test("refuses an option that it does not know", () => {
    expect(vertex.options.safeParse({ no_such_option: 1 }).success).toBe(false);
  });
});
