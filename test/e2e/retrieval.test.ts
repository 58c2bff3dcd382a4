/** Files and vector stores, as clients and operators meet them: the official clients, the executable, other tenants, a kill -9. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import OpenAI from "openai";
import { freePort, type Gateway, startGateway, until } from "./support/gateway.ts";
import { sendJson } from "../support/upstream.ts";
import {
  adminKey,
  answer,
  configuration,
  connect,
  type RetrievalUpstream,
  startRetrievalUpstream,
  statusOf,
  upload,
} from "./support/retrieval.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

let upstream: RetrievalUpstream;
let gateway: Gateway;
let client: OpenAI;
let stranger: OpenAI;

beforeAll(async () => {
  upstream = await startRetrievalUpstream();
  gateway = await startGateway({
    config: configuration(upstream.url),
    env: { INTELLIROUTER_ADMIN_KEY: adminKey },
  });
  client = await connect(gateway);
  stranger = await connect(gateway);
});
beforeEach(() => upstream.behave({}));
afterAll(async () => {
  await gateway.stop();
  await upstream.close();
});

const poll = { pollIntervalMs: 20 };

async function storeWith(texts: Readonly<Record<string, string>>, on = client): Promise<OpenAI.VectorStore> {
  const store = await on.vectorStores.create({ name: "a store" });
  for (const [name, text] of Object.entries(texts)) {
    const file = await upload(on, name, text);
    await on.vectorStores.files.createAndPoll(store.id, { file_id: file.id }, poll);
  }
  return await on.vectorStores.retrieve(store.id);
}

async function namesOf(search: PromiseLike<{ readonly data: readonly { readonly filename: string }[] }>) {
  return (await search).data.map(({ filename }) => filename);
}

describe("the Files API, with the official client", () => {
  test("keeps, lists, gives back and deletes files", async () => {
    const file = await upload(client, "notes of ünïcödé.txt", "some text\n");
    expect(file).toMatchObject({
      object: "file",
      bytes: 10,
      filename: "notes of ünïcödé.txt",
      purpose: "assistants",
      status: "processed",
      expires_at: null,
    });
    expect(await client.files.retrieve(file.id)).toEqual(file);
    expect(await (await client.files.content(file.id)).text()).toBe("some text\n");
    const { data } = await client.files.list({ purpose: "assistants", limit: 1 });
    expect(data).toEqual([file]);
    expect((await client.files.list({ purpose: "batch" })).data).toEqual([]);
    expect(await client.files.delete(file.id)).toEqual({ id: file.id, object: "file", deleted: true });
    expect(await statusOf(client.files.retrieve(file.id))).toBe("404 file_not_found");
    expect(await statusOf(client.files.content(file.id))).toBe("404 file_not_found");
  });

  test("pages of the list join without gap or repeat", async () => {
    const alone = await connect(gateway);
    const ids: string[] = [];
    for (let index = 0; index < 5; index++) ids.push((await upload(alone, `${index}.txt`, "text")).id);
    const seen: string[] = [];
    for await (const { id } of alone.files.list({ limit: 2, order: "asc" })) seen.push(id);
    expect(seen).toEqual(ids);
  });

  test("a file that expires says when", async () => {
    const file = await client.files.create({
      file: new File(["x"], "x.txt"),
      purpose: "user_data",
      expires_after: { anchor: "created_at", seconds: 3600 },
    });
    expect(file.expires_at! - file.created_at).toBe(3600);
  });

  test("a large file costs little memory, and one that is too large is refused", async () => {
    const large = await startGateway({ config: "[retrieval]\nmax_file_bytes = 120_000_000\n" });
    try {
      const local = new OpenAI({ baseURL: `${large.origin}/v1`, apiKey: "none", maxRetries: 0 });
      const memory = async () =>
        Number(/VmRSS:\s+(\d+)/.exec(await Bun.file(`/proc/${large.pid}/status`).text())![1]);
      const before = await memory();
      const bytes = new Uint8Array(100_000_000).fill(65);
      const file = await local.files.create({ file: new File([bytes], "large.txt"), purpose: "assistants" });
      expect(file.bytes).toBe(100_000_000);
      expect(await memory() - before).toBeLessThan(60_000);
      expect((await (await local.files.content(file.id)).arrayBuffer()).byteLength).toBe(100_000_000);
      const more = new File([bytes, bytes.subarray(0, 30_000_000)], "larger.txt");
      expect(await statusOf(local.files.create({ file: more, purpose: "assistants" }))).toBe(
        "413 file_too_large",
      );
      expect((await local.files.list()).data).toHaveLength(1);
    } finally {
      await large.stop();
    }
  }, 60_000);

  test("an upload that breaks off leaves nothing behind", async () => {
    const folder = join(gateway.directory, "data", "files");
    const before = readdirSync(folder).length;
    const leaving = new AbortController();
    const head = '--b\r\ncontent-disposition: form-data; name="file"; filename="x.txt"\r\n\r\n';
    const body = new ReadableStream({
      async start(controller) {
        controller.enqueue(new TextEncoder().encode(head + "x".repeat(200_000)));
        await until(() => readdirSync(folder).some((name) => name.endsWith(".part")), "the file to begin");
        leaving.abort();
      },
    });
    const upload = fetch(`${gateway.origin}/v1/files`, {
      method: "POST",
      headers: {
        authorization: `Bearer ${client.apiKey}`,
        "content-type": "multipart/form-data; boundary=b",
      },
      body,
      signal: leaving.signal,
    });
    expect(await upload.then(() => "answered", () => "broken off")).toBe("broken off");
    await until(() => readdirSync(folder).length === before, "the rest of the file to go");
  });

  test("forms that are none, are broken or lack something are the client's fault", async () => {
    const post = async (body: BodyInit, contentType?: string) => {
      const response = await fetch(`${gateway.origin}/v1/files`, {
        method: "POST",
        headers: {
          authorization: `Bearer ${client.apiKey}`,
          ...(contentType === undefined ? {} : { "content-type": contentType }),
        },
        body,
      });
      const { error } = await response.json() as { error?: { code: string; param: string | null } };
      return `${response.status} ${error?.code} ${error?.param}`;
    };
    const form = (fields: Record<string, string | File>) => {
      const data = new FormData();
      for (const [name, value] of Object.entries(fields)) data.append(name, value);
      return data;
    };
    const file = new File(["x"], "x.txt");
    expect(await post("{}", "application/json")).toBe("400 invalid_form null");
    expect(await post(form({ purpose: "assistants" }))).toBe("400 invalid_form file");
    expect(await post(form({ file }))).toBe("400 missing_required_parameter purpose");
    expect(await post(form({ file, purpose: "mischief" }))).toBe("400 invalid_value purpose");
    expect(await post(form({ file, purpose: "batch", "expires_after[seconds]": "5" }))).toBe(
      "400 invalid_value expires_after",
    );
    const half = '--b\r\ncontent-disposition: form-data; name="file"; filename="x.txt"\r\n\r\nsome';
    expect(await post(half, "multipart/form-data; boundary=b")).toStartWith("400 ");
    expect(await post("", "multipart/form-data; boundary=b")).toStartWith("400 ");
  });
});

describe("the Vector Stores API, with the official client", () => {
  test("makes, changes, lists and deletes vector stores", async () => {
    const made = await client.vectorStores.create({
      name: "manuals",
      metadata: { kind: "test" },
      expires_after: { anchor: "last_active_at", days: 7 },
    });
    expect(made).toMatchObject({
      object: "vector_store",
      name: "manuals",
      status: "completed",
      usage_bytes: 0,
      metadata: { kind: "test" },
      file_counts: { in_progress: 0, completed: 0, failed: 0, cancelled: 0, total: 0 },
    });
    expect(made.expires_at! - made.last_active_at!).toBe(7 * 86_400);
    const changed = await client.vectorStores.update(made.id, { name: "books", expires_after: null });
    expect(changed).toMatchObject({ name: "books", expires_at: null, metadata: { kind: "test" } });
    const { data } = await client.vectorStores.list({ limit: 1 });
    expect(data.map(({ id }) => id)).toEqual([made.id]);
    expect(await client.vectorStores.delete(made.id)).toMatchObject({ id: made.id, deleted: true });
    expect(await statusOf(client.vectorStores.retrieve(made.id))).toBe("404 vector_store_not_found");
  });

  test("files are read, cut, searched by their words and taken out again", async () => {
    const store = await storeWith({
      "returns.md":
        "# Returns\n\nGoods can be returned within 30 days.\n\n# Repairs\n\nWe repair most things.",
      "shipping.md": "We ship to Norway on Fridays.",
    });
    expect(store).toMatchObject({ status: "completed", file_counts: { completed: 2, total: 2 } });
    expect(store.usage_bytes).toBeGreaterThan(50);
    const { data: [found] } = await client.vectorStores.search(store.id, {
      query: "When do you ship to Norway?",
    });
    expect(found).toMatchObject({
      filename: "shipping.md",
      content: [{ type: "text", text: "We ship to Norway on Fridays." }],
    });
    expect(found!.score).toBeGreaterThan(0);
    expect(found!.score).toBeLessThanOrEqual(1);
    const { data: files } = await client.vectorStores.files.list(store.id, {
      order: "asc",
      filter: "completed",
    });
    expect(files).toHaveLength(2);
    const { data: parts } = await client.vectorStores.files.content(files[0]!.id, {
      vector_store_id: store.id,
    });
    expect(parts.map(({ text }) => text)).toEqual([
      "# Returns\n\nGoods can be returned within 30 days.",
      "# Repairs\n\nWe repair most things.",
    ]);
    await client.vectorStores.files.delete(files[1]!.id, { vector_store_id: store.id });
    expect(await namesOf(client.vectorStores.search(store.id, { query: "Norway" }))).toEqual([]);
    await client.files.delete(files[0]!.id);
    expect(await namesOf(client.vectorStores.search(store.id, { query: "returned goods" }))).toEqual([]);
    expect((await client.vectorStores.retrieve(store.id)).file_counts.total).toBe(0);
  });

  test("attributes narrow a search before anything is compared, and can be changed", async () => {
    const store = await client.vectorStores.create({ name: "years" });
    for (const year of [2024, 2025, 2026]) {
      const file = await upload(client, `${year}.txt`, `The report of the year, number ${year}.`);
      const attributes = { year, draft: year === 2026, team: `team-${year % 2}` };
      await client.vectorStores.files.createAndPoll(store.id, { file_id: file.id, attributes }, poll);
    }
    const search = (filters: OpenAI.ComparisonFilter | OpenAI.CompoundFilter) =>
      namesOf(client.vectorStores.search(store.id, { query: "report", filters, max_num_results: 1 }));
    expect(await search({ type: "eq", key: "year", value: 2024 })).toEqual(["2024.txt"]);
    expect(await search({ type: "gt", key: "year", value: 2025 })).toEqual(["2026.txt"]);
    expect(
      await search({
        type: "and",
        filters: [{ type: "eq", key: "team", value: "team-0" }, { type: "ne", key: "draft", value: true }],
      }),
    ).toEqual(["2024.txt"]);
    expect(await search({ type: "in", key: "year", value: [2025] } as never)).toEqual(["2025.txt"]);
    expect(await search({ type: "eq", key: "year", value: "2024" })).toEqual([]);
    const { data: [last] } = await client.vectorStores.files.list(store.id, { order: "desc" });
    await client.vectorStores.files.update(last!.id, {
      vector_store_id: store.id,
      attributes: { year: 1999 },
    });
    expect(await search({ type: "eq", key: "year", value: 1999 })).toEqual(["2026.txt"]);
    expect(await search({ type: "gt", key: "year", value: 2025 })).toEqual([]);
  });

  test("batches tell how far they are, and can be given up", async () => {
    const store = await client.vectorStores.create({});
    const files = await Promise.all(
      [1, 2, 3].map((index) => upload(client, `${index}.txt`, `text number ${index}`)),
    );
    const batch = await client.vectorStores.fileBatches.createAndPoll(
      store.id,
      { file_ids: files.map(({ id }) => id), attributes: { batch: 1 } },
      poll,
    );
    expect(batch).toMatchObject({ status: "completed", file_counts: { completed: 3, total: 3 } });
    const listed = await client.vectorStores.fileBatches.listFiles(batch.id, { vector_store_id: store.id });
    expect(listed.data.map(({ attributes }) => attributes)).toEqual(Array(3).fill({ batch: 1 }));
    const cancelled = await client.vectorStores.fileBatches.cancel(batch.id, { vector_store_id: store.id });
    expect(cancelled.status).toBe("completed");
    expect(
      await statusOf(client.vectorStores.fileBatches.retrieve("vsfb_none", { vector_store_id: store.id })),
    ).toBe(
      "404 batch_not_found",
    );
  });

  test("what cannot be read fails and says why", async () => {
    const store = await client.vectorStores.create({});
    const binary = await client.files.create({
      file: new File([new Uint8Array([0, 1, 2, 255])], "picture.bin"),
      purpose: "assistants",
    });
    const added = await client.vectorStores.files.createAndPoll(store.id, { file_id: binary.id }, poll);
    expect(added).toMatchObject({ status: "failed", last_error: { code: "unsupported_file" } });
    expect(await statusOf(client.vectorStores.files.create(store.id, { file_id: "file-none" }))).toBe(
      "404 file_not_found",
    );
  });

  test("questions are words, whatever stands in them", async () => {
    const store = await storeWith({ "one.txt": 'A "quoted" text about NEAR misses, OR so it says.' });
    for (
      const query of [
        '" OR 1',
        "text:(",
        "NEAR(a b",
        "*",
        "'; DROP TABLE words; --",
        "a AND NOT b",
        "^text",
        "\u0000",
      ]
    ) {
      const status = await statusOf(client.vectorStores.search(store.id, { query }));
      expect({ query, status }).toEqual({ query, status: 200 });
    }
    expect(await namesOf(client.vectorStores.search(store.id, { query: "near misses" }))).toEqual([
      "one.txt",
    ]);
  });

  test("what another tenant has is as unknown as what never was", async () => {
    const store = await storeWith({ "secret.txt": "The secret is forty-two." });
    const { data: [{ id: file } = { id: "" }] } = await client.vectorStores.files.list(store.id);
    const within = { vector_store_id: store.id };
    const { vectorStores: stores, files } = stranger;
    const own = await stores.create({ name: "own" });
    const mine = await upload(stranger, "mine.txt", "mine");
    const tries: Record<string, () => PromiseLike<unknown>> = {
      "files.retrieve": () => files.retrieve(file),
      "files.content": () => files.content(file),
      "files.delete": () => files.delete(file),
      "stores.retrieve": () => stores.retrieve(store.id),
      "stores.update": () => stores.update(store.id, { name: "taken" }),
      "stores.delete": () => stores.delete(store.id),
      "stores.search": () => stores.search(store.id, { query: "secret" }),
      "stores.files.create": () => stores.files.create(store.id, { file_id: mine.id }),
      "stores.files.list": () => stores.files.list(store.id),
      "stores.files.retrieve": () => stores.files.retrieve(file, within),
      "stores.files.content": () => stores.files.content(file, within),
      "stores.files.update": () => stores.files.update(file, { ...within, attributes: {} }),
      "stores.files.delete": () => stores.files.delete(file, within),
      "stores.fileBatches.create": () => stores.fileBatches.create(store.id, { file_ids: [mine.id] }),
      "another's file in an own store": () => stores.files.create(own.id, { file_id: file }),
      "another's file in a new store": () => stores.create({ file_ids: [file] }),
      "another's file in a batch": () => stores.fileBatches.create(own.id, { file_ids: [file] }),
    };
    for (const [name, attempt] of Object.entries(tries)) {
      expect(`${name}: ${await statusOf(attempt())}`).toMatch(/: 404 (file|vector_store)_not_found$/);
    }
    const { data: visible } = await stores.list();
    expect(visible.map(({ id }) => id)).toEqual([own.id]);
    expect(await namesOf(client.vectorStores.search(store.id, { query: "secret" }))).toEqual(["secret.txt"]);
  });
});

describe("the official client for Python", () => {
  test("uses files and vector stores unchanged", async () => {
    const { apiKey } = await connect(gateway);
    const python = resolve(import.meta.dir, "../../.tools/python-clients/bin/python");
    const run = Bun.spawn([python, "-s", "-B", resolve(import.meta.dir, "support/vector_stores_client.py")], {
      env: { PATH: "/usr/bin:/bin", BASE_URL: `${gateway.origin}/v1`, API_KEY: apiKey! },
      stdout: "pipe",
      stderr: "pipe",
    });
    const [stdout, stderr] = await Promise.all([
      new Response(run.stdout).text(),
      new Response(run.stderr).text(),
    ]);
    expect(stderr).toBe("");
    expect(JSON.parse(stdout)).toEqual({
      added: ["completed", { year: 2026, public: true }],
      uploaded: "completed",
      batch: ["completed", 2],
      found: [["shipping.md", "We ship to Norway on Fridays."]],
      narrowed: ["returns.md"],
      names: ["a.txt", "b.txt", "returns.md", "shipping.md"],
      text: ["Goods can be returned within 30 days."],
      content: "Goods can be returned within 30 days.",
      completed: 4,
      without: [],
      deleted: true,
      gone: "vector_store_not_found",
    });
  });
});

describe("with an embedding model", () => {
  const more =
    '[retrieval]\nembedding_model = "cloud/embedder"\nembedding_batch = 2\nsearch_timeout_ms = 500\n';
  let embedding: Gateway;
  let user: OpenAI;
  beforeAll(async () => {
    embedding = await startGateway({
      config: configuration(upstream.url, more),
      env: { INTELLIROUTER_ADMIN_KEY: adminKey },
    });
    user = await connect(embedding);
  });
  afterAll(() => embedding.stop());

  const texts = {
    "returns.md": "Goods can be returned within 30 days.",
    "shipping.md": "We ship to Norway on Fridays.",
    "robots.md": "Every robot has a name.",
  };

  test("what means the same is found, though no word is the same", async () => {
    const store = await storeWith(texts, user);
    expect(store).toMatchObject({ embedding_model: "cloud/embedder", file_counts: { completed: 3 } });
    expect((await namesOf(user.vectorStores.search(store.id, { query: "refund my money" })))[0]).toBe(
      "returns.md",
    );
    expect((await namesOf(user.vectorStores.search(store.id, { query: "delivery, Oslo" })))[0]).toBe(
      "shipping.md",
    );
    const byText = { ranking_options: { hybrid_search: { embedding_weight: 0, text_weight: 1 } } };
    expect(
      await namesOf(user.vectorStores.search(store.id, { query: "refund my money", ...byText } as never)),
    ).toEqual([]);
  });

  test("a model that fails is done without in searches, and tried again for files", async () => {
    const store = await storeWith(texts, user);
    upstream.behave({ status: 503 });
    expect(await namesOf(user.vectorStores.search(store.id, { query: "goods returned" }))).toEqual([
      "returns.md",
    ]);
    upstream.behave({ delayMs: 3_000 });
    const startedAt = performance.now();
    expect(await namesOf(user.vectorStores.search(store.id, { query: "goods returned" }))).toEqual([
      "returns.md",
    ]);
    expect(performance.now() - startedAt).toBeLessThan(2_000);
    upstream.behave({ status: 503 });
    const file = await upload(user, "late.md", "The battery is charged at night.");
    await user.vectorStores.files.create(store.id, { file_id: file.id });
    await Bun.sleep(300);
    const status = async () =>
      (await user.vectorStores.files.retrieve(file.id, { vector_store_id: store.id })).status;
    expect(await status()).toBe("in_progress");
    upstream.behave({});
    await until(async () => await status() === "completed", "the file that had to wait");
  }, 30_000);

  test("a model whose vectors have changed is a clear error, that says what to do", async () => {
    const store = await storeWith(texts, user);
    upstream.behave({ length: 8 });
    const error = await user.vectorStores.search(store.id, { query: "refund" }).then(
      () => undefined,
      (thrown) => thrown,
    );
    expect(error).toMatchObject({ status: 409, code: "embedding_changed" });
    expect(error.message).toContain("rag reembed");
    const file = await upload(user, "more.md", "More text.");
    const added = await user.vectorStores.files.createAndPoll(store.id, { file_id: file.id }, poll);
    expect(added).toMatchObject({ status: "failed" });
    expect(added.last_error!.message).toContain(`rag reembed ${store.id}`);
  });

  test("whoever may not use the embedding model is told so", async () => {
    const restricted = await connect(embedding, { models: ["cloud/echo"] });
    const store = await restricted.vectorStores.create({});
    const file = await upload(restricted, "a.md", "text");
    const added = await restricted.vectorStores.files.createAndPoll(store.id, { file_id: file.id }, poll);
    expect(added.status).toBe("failed");
    expect(added.last_error!.message).toContain("embedder");
  });
});

describe("with a rerank model", () => {
  test("it puts what was found in order, unless nobody wants it, or it fails", async () => {
    let reply = "";
    upstream.on("ranker", ({ body }, response) => {
      const { passages } = JSON.parse(body.messages[1].content) as {
        passages: { number: number; text: string }[];
      };
      const order = passages.toSorted((one, other) => one.text.length - other.text.length).map(({ number }) =>
        number
      );
      const content = reply === "" ? `Sure! ${JSON.stringify({ order: [...order, 99, -1, 0.5] })}` : reply;
      sendJson(response, 200, { ...answer(content), model: "ranker" });
    });
    const ranking = await startGateway({
      config: configuration(
        upstream.url,
        '[retrieval]\nrerank_model = "cloud/ranker"\nrerank_timeout_ms = 500\n',
      ),
    });
    try {
      const local = new OpenAI({ baseURL: `${ranking.origin}/v1`, apiKey: "none", maxRetries: 0 });
      const store = await storeWith({
        "long.md": "Goods goods goods: all that there is to say of goods, and a little more of goods.",
        "short.md": "Goods.",
        "middle.md": "Something of goods.",
      }, local);
      const search = (more = {}) => namesOf(local.vectorStores.search(store.id, { query: "goods", ...more }));
      expect(await search()).toEqual(["short.md", "middle.md", "long.md"]);
      const unranked = await search({ ranking_options: { ranker: "none" } });
      expect(unranked).not.toEqual(["short.md", "middle.md", "long.md"]);
      const { data } = await local.vectorStores.search(store.id, { query: "goods" });
      const scores = data.map(({ score }) => score);
      expect(scores).toEqual(scores.toSorted((one, other) => other - one));
      reply = "I cannot do that.";
      expect(await search()).toEqual(unranked);
      upstream.on("ranker", async (_call, response) => {
        await Bun.sleep(3_000);
        sendJson(response, 200, answer("late"));
      });
      const startedAt = performance.now();
      expect(await search()).toEqual(unranked);
      expect(performance.now() - startedAt).toBeLessThan(2_000);
    } finally {
      await ranking.stop();
    }
  });
});

describe("kill -9", () => {
  test(
    "files that were being read are read to their end by the next process, and nothing twice",
    async () => {
      using folder = temporaryFolder();
      const port = await freePort();
      const config = configuration(
        upstream.url,
        '[retrieval]\nembedding_model = "cloud/embedder"\nembedding_batch = 1\nchunk_tokens = 50\nchunk_overlap_tokens = 0\n',
      );
      const start = () => startGateway({ config, port, args: ["--data-dir", folder.path] });
      const node = await start();
      const local = new OpenAI({ baseURL: `${node.origin}/v1`, apiKey: "none", maxRetries: 0 });
      const store = await local.vectorStores.create({ name: "crash" });
      upstream.behave({ delayMs: 20 });
      const paragraph = (index: number) => `Robot number ${index} ${"is a machine ".repeat(12)}.`;
      const text = Array.from({ length: 40 }, (_, index) => paragraph(index)).join("\n\n");
      const ids: string[] = [];
      for (const name of ["one", "two", "three"]) {
        const file = await upload(local, `${name}.md`, text);
        await local.vectorStores.files.create(store.id, { file_id: file.id });
        ids.push(file.id);
      }
      await until(async () =>
        (await local.vectorStores.files.retrieve(ids[0]!, { vector_store_id: store.id }) as unknown as {
          progress: { done: number };
        }).progress.done >= 10
      );
      node.signal("SIGKILL");
      await node.exited;
      const before = upstream.embedded().length;
      upstream.behave({});
      const next = await start();
      try {
        await until(
          async () => (await local.vectorStores.retrieve(store.id)).file_counts.completed === 3,
          "the files of the first process",
        );
        const embedded = upstream.embedded().length;
        // What had its vectors already is not paid for again, but for the batches under way.
        expect(embedded - before).toBeLessThanOrEqual(120 - 10);
        const { data } = await local.vectorStores.search(store.id, {
          query: "Robot number 39",
          max_num_results: 3,
          ranking_options: { hybrid_search: { embedding_weight: 0, text_weight: 1 } },
        } as OpenAI.VectorStoreSearchParams);
        expect(data.map(({ filename }) => filename).sort()).toEqual(["one.md", "three.md", "two.md"]);
        for (const id of ids) {
          const content = await local.vectorStores.files.content(id, { vector_store_id: store.id });
          expect(content.data).toHaveLength(40);
        }
      } finally {
        await next.stop();
      }
    },
    90_000,
  );
});
