import { definePlugin } from "intellirouter/plugin";
import type { StrategyRequest } from "intellirouter/plugin";
import { LRUCache } from "lru-cache";
import { z } from "zod";

const charactersPerToken = 4;

/** Blocks of one prompt that are looked at: 1 MB of text at the usual size. */
const mostBlocks = 512;

/**
 * The fewest tokens still to be computed: what of this prompt the target has not in its cache, plus what is outstanding there.
 *
 * A prompt is cut into blocks, and each block's hash includes the one before it, so equal hashes mean equal prefixes. A
 * table for each target remembers the blocks it has lately been given; no tokenizer is needed (the approximate prefix
 * scorer of the Kubernetes gateway API inference extension). The load term is essential: affinity alone sends
 * everything to one target.
 */
export default definePlugin({
  apiVersion: 1,
  kind: "strategy",
  name: "prefix-tokens",
  description:
    "The target with the least work left: uncached part of this prompt plus outstanding tokens. For replicas of one model.",
  options: z.strictObject({
    block_characters: z.number().int().min(64).max(65_536).default(2_048).describe(
      "Size of a block of the prompt, in characters.",
    ),
    cached_blocks: z.number().int().min(16).max(1_000_000).default(12_000).describe(
      "Blocks that a target is assumed to keep.",
    ),
  }),
  create({ block_characters: size, cached_blocks: most }, host) {
    const caches = new LRUCache<string, LRUCache<number, true>>({ max: 1_000 });
    // A request comes back with each of its outcomes; its prompt is hashed once.
    const hashed = new WeakMap<StrategyRequest, readonly number[]>();
    const hashesOf = (request: StrategyRequest) => {
      let hashes = hashed.get(request);
      if (hashes === undefined) hashed.set(request, hashes = blockHashes(request.prompt(), size));
      return hashes;
    };
    const remember = (id: string, hashes: readonly number[]) => {
      let cache = caches.get(id);
      if (cache === undefined) caches.set(id, cache = new LRUCache<number, true>({ max: most }));
      for (const hash of hashes) cache.set(hash, true);
    };
    return {
      rank(targets, request) {
        const hashes = hashesOf(request);
        const ranked = targets.map(({ id, outstandingTokens, weight }) => {
          const cachedTokens = cachedBlocks(caches.get(id), hashes) * size / charactersPerToken;
          const work = Math.max(0, request.promptTokens - cachedTokens) + outstandingTokens;
          return { id, score: weight > 0 ? -work / weight : -Number.MAX_VALUE, tie: host.random() };
        });
        ranked.sort((left, right) => right.score - left.score || left.tie - right.tie);
        // Remembered now and not when the answer is there: the requests of a burst must find each other.
        if (ranked[0] !== undefined) remember(ranked[0].id, hashes);
        return ranked.map(({ id, score }) => ({ id, score }));
      },
      onOutcome(outcome) {
        if (outcome.ok) remember(outcome.id, hashesOf(outcome.request));
      },
    };
  },
});

function cachedBlocks(cache: LRUCache<number, true> | undefined, hashes: readonly number[]): number {
  if (cache === undefined) return 0;
  let count = 0;
  while (count < hashes.length && cache.has(hashes[count]!)) count++;
  return count;
}

/**
 * Chained, so that a block's hash stands for everything up to its end. FNV-1a's step over two characters at a time, with a
 * shift that brings the upper one down: this loop is all that a long prompt costs. 32 bits: two prefixes taken for one
 * cost nothing but a guess.
 */
function blockHashes(text: string, size: number): number[] {
  const hashes: number[] = [];
  const blocks = Math.min(mostBlocks, Math.floor(text.length / size));
  let hash = 0x811c9dc5;
  for (let block = 0, position = 0; block < blocks; block++) {
    const end = position + size;
    for (; position + 1 < end; position += 2) {
      hash = Math.imul(hash ^ text.charCodeAt(position) ^ (text.charCodeAt(position + 1) << 16), 0x01000193);
      hash ^= hash >>> 15;
    }
    if (position < end) hash = Math.imul(hash ^ text.charCodeAt(position++), 0x01000193);
    hashes.push(hash);
  }
  return hashes;
}
