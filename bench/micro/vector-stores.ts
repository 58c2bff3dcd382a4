/**
 * Searches of a vector store with very many chunks: how long they take, for how long they keep others waiting, and how much memory the
 * process has. Everything is on disk, as in a gateway, but for the model, which answers at once.
 *
 *   bun bench/micro/vector-stores.ts [CHUNKS] [NUMBERS_OF_A_VECTOR] [SEARCHES]
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { monitorEventLoopDelay, performance } from "node:perf_hooks";
import type { VectorStore } from "intellirouter/plugin";
import sqlite from "../../plugins/vectors/sqlite.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { ChunkIndex } from "../../src/rag/chunk-index.ts";
import { HybridSearch, recordId } from "../../src/rag/hybrid-search.ts";
import { StoreCatalog } from "../../src/rag/store-catalog.ts";
import { openSqlite } from "../../src/runtime/sqlite.ts";
import { testHost } from "../../test/support/test-host.ts";

const chunks = Number(process.argv[2] ?? 100_000);
const dimensions = Number(process.argv[3] ?? 384);
const searches = Number(process.argv[4] ?? 200);
const chunksPerFile = 1_000;
const wordsPerChunk = 120;

const directory = mkdtempSync(join(tmpdir(), "intellirouter-vector-stores-"));
const common = "the of and a to in is it for on how what when can with".split(" ");
const vocabulary = [...common, ...Array.from({ length: 30_000 }, (_, index) => `word${index}`)];

/** Words come as often as in a language: the second half as often as the first (Zipf). */
function word(): string {
  const place = Math.floor(Math.exp(Math.random() * Math.log(vocabulary.length))) - 1;
  return vocabulary[Math.min(vocabulary.length - 1, place)]!;
}

function vector(): Float32Array {
  return Float32Array.from({ length: dimensions }, () => Math.random() - 0.5);
}

const stores = new StoreCatalog(openSqlite(join(directory, "catalog.sqlite")), systemClock);
const { id } = stores.add({
  tenant: "t",
  name: "bench",
  description: undefined,
  metadata: {},
  expiresAfterDays: undefined,
});
stores.setEmbedding(id, "model", dimensions);
const index = new ChunkIndex(openSqlite(join(directory, "chunks.sqlite")));
const vectors = sqlite.create(
  sqlite.options.parse({}),
  testHost({ sqlite: () => openSqlite(join(directory, "vectors.sqlite")) }),
) as VectorStore;

const fillingAt = performance.now();
for (let start = 0; start < chunks; start += chunksPerFile) {
  const fileId = `file-${start}`;
  const some = Array.from({ length: Math.min(chunksPerFile, chunks - start) }, (_, position) => ({
    position,
    text: Array.from({ length: wordsPerChunk }, word).join(" "),
    tokens: wordsPerChunk,
    headings: [],
  }));
  await vectors.upsert(
    id,
    some.map(({ position }) => ({
      id: recordId({ fileId, position }),
      text: "",
      vector: { space: "model", values: vector() },
      attributes: { file: fileId },
    })),
  );
  (await index.stage({ id: fileId, filename: fileId, attributes: {} }, some))();
}
const filledMs = performance.now() - fillingAt;

const search = new HybridSearch({
  stores,
  index: () => index,
  vectors: () => Promise.resolve(vectors),
  clock: systemClock,
  settings: () => ({ search_timeout_ms: 60_000, rerank_results: 20, rerank_timeout_ms: 60_000 }),
  onError: (_message, error) => {
    throw error;
  },
});
const caller = {
  tenant: "t",
  embedder: { embed: (_model: string, texts: readonly string[]) => Promise.resolve(texts.map(vector)) },
  reranker: { rank: () => Promise.resolve([]) },
};
const { signal } = new AbortController();

async function measure(weights: { readonly embedding: number; readonly text: number }): Promise<string> {
  const times: number[] = [];
  const delay = monitorEventLoopDelay({ resolution: 1 });
  for (let count = 0; count < searches; count++) {
    const query = `what is the ${word()} of ${word()} and how can it ${word()} ${word()}`;
    if (count === 1) delay.enable();
    const startedAt = performance.now();
    await search.search({ vectorStores: [id], queries: [query], maxResults: 10, weights }, caller, signal);
    times.push(performance.now() - startedAt);
  }
  delay.disable();
  const [first] = times;
  const sorted = times.slice(1).sort((one, other) => one - other);
  const at = (share: number) => sorted[Math.floor(sorted.length * share)]!.toFixed(1);
  return `p50 ${at(0.5)} ms, p95 ${at(0.95)} ms, the first ${first!.toFixed(0)} ms; others wait ${
    (delay.percentile(99) / 1e6).toFixed(1)
  } ms (p99)`;
}

console.log(
  `${chunks} chunks of ${wordsPerChunk} words, ${dimensions} numbers a vector, written in ${
    (filledMs / 1000).toFixed(1)
  } s`,
);
console.log(`memory before the first search: ${memory()}`);
console.log(`words:   ${await measure({ embedding: 0, text: 1 })}`);
console.log(`vectors: ${await measure({ embedding: 1, text: 0 })}`);
console.log(`hybrid:  ${await measure({ embedding: 1, text: 1 })}`);
console.log(`memory after all of them: ${memory()}`);
rmSync(directory, { recursive: true });

function memory(): string {
  Bun.gc(true);
  return `${(process.memoryUsage.rss() / 1e6).toFixed(0)} MB`;
}
