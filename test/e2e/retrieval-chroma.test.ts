/** Vector stores whose vectors are in a real Chroma server: as in the embedded store, also when it freezes, dies, or holds something else. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "bun:test";
import { ChromaClient } from "chromadb";
import type OpenAI from "openai";
import { type ChromaServer, startChroma } from "../support/chroma.ts";
import { type Gateway, startGateway, until } from "./support/gateway.ts";
import {
  adminKey,
  configuration,
  connect,
  type RetrievalUpstream,
  startRetrievalUpstream,
  upload,
} from "./support/retrieval.ts";

let upstream: RetrievalUpstream;
let chroma: ChromaServer;
let gateway: Gateway;
let client: OpenAI;

beforeAll(async () => {
  upstream = await startRetrievalUpstream();
});
beforeEach(async () => {
  chroma = await startChroma();
  gateway = await startGateway({
    config: configuration(
      upstream.url,
      `[retrieval]\nembedding_model = "cloud/embedder"\nsearch_timeout_ms = 500\n[chromadb]\nhost = "127.0.0.1"\nport = ${chroma.port}\n`,
    ),
    env: { INTELLIROUTER_ADMIN_KEY: adminKey },
  });
  client = await connect(gateway);
});
afterEach(async () => {
  await gateway.stop();
  await chroma.stop();
});
afterAll(() => upstream.close());

async function add(store: string, name: string, text: string, attributes = {}): Promise<string> {
  const file = await upload(client, name, text);
  const added = await client.vectorStores.files.createAndPoll(store, { file_id: file.id, attributes }, {
    pollIntervalMs: 20,
  });
  expect(added).toMatchObject({ status: "completed" });
  return file.id;
}

async function search(store: string, query: string, more: object = {}): Promise<string[]> {
  const { data } = await client.vectorStores.search(store, { query, ...more });
  return data.map(({ filename }) => filename);
}

/** Names of Chroma's collections, and how many records each has. */
async function collections(): Promise<number[]> {
  const engine = new ChromaClient({ host: "127.0.0.1", port: chroma.port });
  return await Promise.all((await engine.listCollections()).map((collection) => collection.count()));
}

test("the nearest are found by meaning, filters hold, and what is deleted is deleted there", async () => {
  const store = await client.vectorStores.create({ name: "kb" });
  const returns = await add(store.id, "returns.md", "Goods can be returned within 30 days.", {
    kind: "policy",
  });
  await add(store.id, "shipping.md", "We ship to Norway on Fridays.", { kind: "news" });
  expect(await collections()).toEqual([2]);
  expect((await search(store.id, "refund my money"))[0]).toBe("returns.md");
  const filters = { type: "eq", key: "kind", value: "news" };
  expect(await search(store.id, "refund my money", { filters })).toEqual(["shipping.md"]);
  await client.files.delete(returns);
  expect(await search(store.id, "refund my money")).toEqual(["shipping.md"]);
  await until(async () => (await collections())[0] === 1, "the vectors of a deleted file to go");
  await client.vectorStores.delete(store.id);
  await until(async () => (await collections()).length === 0, "the vectors of a deleted store to go");
});

test(
  "while it is frozen words are searched alone, in bounded time; what is to be added or deleted waits",
  async () => {
    const store = await client.vectorStores.create({ name: "kb" });
    const returns = await add(store.id, "returns.md", "Goods can be returned within 30 days.");
    chroma.freeze();
    const startedAt = performance.now();
    expect(await search(store.id, "goods")).toEqual(["returns.md"]);
    expect(await search(store.id, "refund")).toEqual([]);
    expect(performance.now() - startedAt).toBeLessThan(3_000);
    const late = await upload(client, "late.md", "We ship to Norway on Fridays.");
    await client.vectorStores.files.create(store.id, { file_id: late.id });
    await client.files.delete(returns);
    expect(await search(store.id, "goods")).toEqual([]);
    chroma.thaw();
    await until(
      async () =>
        (await client.vectorStores.files.retrieve(late.id, { vector_store_id: store.id })).status ===
          "completed",
      "the file that had to wait",
    );
    expect(await search(store.id, "delivery in Oslo")).toEqual(["late.md"]);
    await until(async () => (await collections())[0] === 1, "the vectors of the deleted file to go");
  },
  60_000,
);

test("a server that is gone is no reason to fail", async () => {
  const store = await client.vectorStores.create({ name: "kb" });
  await add(store.id, "returns.md", "Goods can be returned within 30 days.");
  await chroma.stop();
  expect(await search(store.id, "goods returned")).toEqual(["returns.md"]);
});

test("a collection of the same name with vectors of another length is an error of the file, and searches go on by words", async () => {
  const store = await client.vectorStores.create({ name: "kb" });
  await add(store.id, "returns.md", "Goods can be returned within 30 days.");
  const engine = new ChromaClient({ host: "127.0.0.1", port: chroma.port });
  const [{ name }] = await engine.listCollections() as unknown as [{ name: string }];
  await engine.deleteCollection({ name });
  const foreign = await engine.createCollection({ name, embeddingFunction: null });
  await foreign.add({ ids: ["x"], embeddings: [[1, 2, 3]], documents: ["foreign"] });
  expect(await search(store.id, "goods returned")).toEqual(["returns.md"]);
});
