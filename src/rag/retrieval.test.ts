/** Files and vector stores without HTTP: what is kept, read, expires, fails and is tried again. */
import { afterEach, describe, expect, test } from "bun:test";
import { embeddedVectors } from "../../test/support/embedded-vectors.ts";
import { FakeClock } from "../../test/support/fake-clock.ts";
import { testHost } from "../../test/support/test-host.ts";
import { ApiError } from "../lib/api-error.ts";
import type { VectorStore } from "../plugin/api/vector-store.ts";
import { retrievalSchema, type RetrievalSettings } from "../schema/retrieval.ts";
import { type RetrievalCaller, sharedTenant } from "./contracts.ts";
import type { DocumentReader } from "./document-reader.ts";
import { MemoryVault } from "./file-vault.ts";
import { PlainTextReader } from "./plain-text-reader.ts";
import { Retrieval } from "./retrieval.ts";

const owner = { tenant: "t", caller: "key" };
const noStore = { name: "kb", description: undefined, metadata: {}, expiresAfterDays: undefined };
const dayMs = 86_400_000;

interface World {
  readonly retrieval: Retrieval;
  readonly clock: FakeClock;
  readonly errors: string[];
  /** Texts that have been embedded. */
  readonly embedded: string[];
}

const opened: Retrieval[] = [];
afterEach(async () => {
  for (const retrieval of opened.splice(0)) await retrieval.close();
});

function open(
  settings: Partial<RetrievalSettings> = {},
  { embed, vectors, reader, callerOf, reads = true }: {
    reads?: boolean;
    embed?: (texts: readonly string[]) => Promise<Float32Array[]>;
    vectors?: (store: VectorStore) => VectorStore;
    reader?: DocumentReader;
    callerOf?: (id: string) => RetrievalCaller | undefined;
  } = {},
): World {
  const clock = new FakeClock();
  const errors: string[] = [];
  const embedded: string[] = [];
  const caller: RetrievalCaller = {
    tenant: "t",
    embedder: {
      embed: async (_model, texts) => {
        const made =
          await (embed ?? ((given) => Promise.resolve(given.map(() => Float32Array.from([1, 0])))))(texts);
        embedded.push(...texts);
        return made;
      },
    },
    reranker: { rank: () => Promise.resolve([]) },
  };
  const engine = embeddedVectors();
  const retrieval = new Retrieval({
    clock,
    database: testHost().sqlite("retrieval"),
    vault: new MemoryVault(1_000_000),
    indexes: { isDurable: false, open: () => testHost().sqlite("chunks"), remove: () => {} },
    openVectors: () => Promise.resolve(vectors?.(engine) ?? engine),
    openReader: () => Promise.resolve(reader ?? new PlainTextReader()),
    settings: () => ({ ...retrievalSchema.parse({}), ...settings }),
    callerOf: callerOf ?? (() => caller),
    reads,
    onError: (message) => errors.push(message),
  });
  opened.push(retrieval);
  return { retrieval, clock, errors, embedded };
}

async function upload({ retrieval }: World, text: string, more: { seconds?: number; tenant?: string } = {}) {
  async function* pieces() {
    yield await Promise.resolve(new TextEncoder().encode(text));
  }
  return await retrieval.files.add(pieces(), () => ({
    tenant: more.tenant ?? "t",
    filename: "dir/../a\u0000b.md",
    purpose: "assistants",
    contentType: undefined,
    expiresAfterSeconds: more.seconds,
  }));
}

/** Lets time pass until it holds. */
async function until({ clock }: World, holds: () => boolean): Promise<void> {
  for (let turns = 0; !holds(); turns++) {
    if (turns > 2_000) throw new Error("it did not come about");
    await clock.advance(50);
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
}

async function added(world: World, storeId: string, text: string) {
  const file = await upload(world, text);
  world.retrieval.vectorStores.addFile(owner, storeId, { fileId: file.id });
  await settled(world, storeId, file.id);
  return file;
}

const settled = (world: World, storeId: string, fileId: string) =>
  until(world, () => world.retrieval.vectorStores.file("t", storeId, fileId).status !== "in_progress");

async function names({ retrieval }: World, storeId: string, query: string, tenant = "t") {
  const caller = { tenant, embedder: { embed: noModel }, reranker: { rank: noModel } };
  const { signal } = new AbortController();
  const { results } = await retrieval.vectorStores.search(
    { vectorStores: [storeId], queries: [query], maxResults: 10 },
    caller,
    signal,
  );
  return results.map(({ text }) => text);
}

const noModel = () => Promise.reject(new Error("there is no model"));
const codeOf = (work: () => unknown) => {
  try {
    work();
    return undefined;
  } catch (error) {
    return (error as ApiError).code;
  }
};

describe("files", () => {
  test("have names without paths and without what nobody sees", async () => {
    const world = open();
    expect((await upload(world, "text")).filename).toBe("ab.md");
  });

  test("that are too large leave nothing behind", async () => {
    const world = open({ max_file_bytes: 10 });
    expect(await upload(world, "more than ten bytes").catch(({ status }) => status)).toBe(413);
    expect(world.retrieval.files.list("t", { limit: 10, order: "asc" }).items).toEqual([]);
  });

  test("expire, and are then in no vector store either", async () => {
    const world = open();
    const { files, vectorStores } = world.retrieval;
    const store = vectorStores.create(owner, noStore);
    const file = await upload(world, "short-lived text", { seconds: 3_600 });
    vectorStores.addFile(owner, store.id, { fileId: file.id });
    await settled(world, store.id, file.id);
    expect(await names(world, store.id, "text")).toHaveLength(1);
    await world.clock.advance(3_600_000);
    expect(codeOf(() => files.get("t", file.id))).toBe("file_not_found");
    await world.retrieval.expire();
    expect(await names(world, store.id, "text")).toEqual([]);
    expect(vectorStores.standing(store.id).counts.total).toBe(0);
  });
});

describe("vector stores", () => {
  test("expire when nobody has searched them for as long as was said", async () => {
    const world = open({}, { reads: false });
    const { vectorStores } = world.retrieval;
    const store = vectorStores.create(owner, { ...noStore, expiresAfterDays: 2 });
    await world.clock.advance(1.5 * dayMs);
    await names(world, store.id, "anything");
    await world.clock.advance(1.5 * dayMs);
    expect(vectorStores.knows("t", store.id)).toBe(true);
    await world.clock.advance(dayMs);
    await world.retrieval.expire();
    expect(vectorStores.knows("t", store.id)).toBe(false);
  });

  test("that are shared are everybody's to search and nobody's to change", async () => {
    const world = open();
    const { vectorStores } = world.retrieval;
    const store = vectorStores.create({ tenant: sharedTenant, caller: "x" }, noStore);
    const file = await upload(world, "shared text", { tenant: sharedTenant });
    vectorStores.addFile({ tenant: sharedTenant, caller: "x" }, store.id, { fileId: file.id });
    await settled(world, store.id, file.id);
    expect(await names(world, "kb", "text", "anybody")).toEqual(["shared text"]);
    expect(codeOf(() => vectorStores.delete("t", store.id))).toBe("permission_denied");
    expect(codeOf(() => vectorStores.removeFile("t", store.id, file.id))).toBe("permission_denied");
    expect(codeOf(() => vectorStores.reembed(owner, store.id, undefined))).toBe("permission_denied");
    const own = vectorStores.create(owner, noStore);
    expect(vectorStores.get("t", "kb").id).toBe(own.id);
  });
});

describe("reading", () => {
  test("is tried again for what may pass, ever later, and given up in the end", async () => {
    let tries = 0;
    const embed = () => Promise.reject(new ApiError({ status: 503, message: `broken ${++tries}` }));
    const world = open({ embedding_model: "m", retries: 3 }, { embed });
    const store = world.retrieval.vectorStores.create(owner, noStore);
    const { id } = await added(world, store.id, "text");
    const file = world.retrieval.vectorStores.file("t", store.id, id);
    expect([file.status, file.errorCode, file.errorMessage, tries]).toEqual([
      "failed",
      "server_error",
      "broken 4",
      4,
    ]);
  });

  test("is not tried again for what will not pass", async () => {
    let tries = 0;
    const embed = () => Promise.reject(new ApiError({ status: 403, message: `forbidden ${++tries}` }));
    const world = open({ embedding_model: "m" }, { embed });
    const store = world.retrieval.vectorStores.create(owner, noStore);
    const { id } = await added(world, store.id, "text");
    expect(world.retrieval.vectorStores.file("t", store.id, id).errorMessage).toBe("forbidden 1");
  });

  test("fails for whoever is not known any more, and for documents that are too large", async () => {
    const world = open({ embedding_model: "m", max_document_bytes: 20 }, { callerOf: () => undefined });
    const { vectorStores } = world.retrieval;
    const store = vectorStores.create(owner, noStore);
    const unpaid = await added(world, store.id, "text");
    expect(vectorStores.file("t", store.id, unpaid.id).errorMessage).toContain("not known any more");
    const large = await added(world, store.id, "a text of more than twenty bytes");
    expect(vectorStores.file("t", store.id, large.id)).toMatchObject({ errorCode: "invalid_file" });
  });

  test("says whose fault it is", async () => {
    const failing = (code: string): DocumentReader => ({
      read: () => Promise.reject(Object.assign(new Error("no"), { code })),
      close: () => Promise.resolve(),
    });
    for (
      const [code, expected] of [["unsupported_file", "unsupported_file"], ["file_too_large", "invalid_file"]]
    ) {
      const world = open({}, { reader: failing(code!) });
      const store = world.retrieval.vectorStores.create(owner, noStore);
      const { id } = await added(world, store.id, "text");
      expect(world.retrieval.vectorStores.file("t", store.id, id).errorCode).toBe(expected);
    }
  });

  test("of a file that is taken out meanwhile leaves nothing", async () => {
    const gate = Promise.withResolvers<void>();
    const reader: DocumentReader = {
      async read() {
        await gate.promise;
        return [{ text: "late text", tokens: 1, position: 0, headings: [] }];
      },
      close: () => Promise.resolve(),
    };
    const world = open({}, { reader });
    const { vectorStores } = world.retrieval;
    const store = vectorStores.create(owner, noStore);
    const file = await upload(world, "text");
    vectorStores.addFile(owner, store.id, { fileId: file.id });
    await world.clock.advance(100);
    vectorStores.removeFile("t", store.id, file.id);
    gate.resolve();
    for (let turn = 0; turn < 20; turn++) await world.clock.advance(1_000);
    expect(await names(world, store.id, "late")).toEqual([]);
    expect(vectorStores.standing(store.id).counts.total).toBe(0);
  });

  test("anew with another model makes all vectors again, and words are searched meanwhile", async () => {
    const world = open({ embedding_model: "one" });
    const { vectorStores } = world.retrieval;
    const store = vectorStores.create(owner, noStore);
    const file = await added(world, store.id, "some text");
    expect(vectorStores.get("t", store.id)).toMatchObject({ embeddingModel: "one", dimensions: 2 });
    expect(vectorStores.reembed(owner, store.id, "two")).toBe(1);
    expect(await names(world, store.id, "text")).toEqual(["some text"]);
    await settled(world, store.id, file.id);
    expect(vectorStores.get("t", store.id)).toMatchObject({ embeddingModel: "two", dimensions: 2 });
    expect(world.embedded).toEqual(["some text", "some text"]);
  });
});

test("vectors that could not be deleted are deleted later", async () => {
  let isDown = false;
  let engine: VectorStore | undefined;
  const world = open({ embedding_model: "m" }, {
    vectors: (store) =>
      engine = Object.assign(Object.create(store) as VectorStore, {
        query: store.query.bind(store),
        upsert: store.upsert.bind(store),
        list: store.list.bind(store),
        close: store.close?.bind(store),
        delete: (...given: Parameters<VectorStore["delete"]>) =>
          isDown ? Promise.reject(new Error("it is away")) : store.delete(...given),
      }),
  });
  const { vectorStores } = world.retrieval;
  const store = vectorStores.create(owner, noStore);
  const file = await added(world, store.id, "text");
  const left = async () => (await engine!.list(store.id)).records.length;
  expect(await left()).toBe(1);
  isDown = true;
  vectorStores.removeFile("t", store.id, file.id);
  await until(world, () => world.errors.length > 1);
  expect(await left()).toBe(1);
  isDown = false;
  for (let turn = 0; turn < 60 && await left() > 0; turn++) await world.clock.advance(1_000);
  expect(await left()).toBe(0);
});
