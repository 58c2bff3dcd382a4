import { LRUCache } from "lru-cache";
import type { Loss } from "../../schema/decision.ts";

/** A whole answer as it went to a client. */
export interface CachedAnswer {
  /** The `provider/model` that made it. */
  readonly target: string;
  /** The JSON text of a whole answer, or the texts of a streamed one's events. */
  readonly content: { readonly text: string } | { readonly events: readonly string[] };
  readonly losses: readonly Loss[];
}

/** Answers by the hash of their request. What fails is as if nothing were there. */
export interface ResponseCache {
  get(key: string): CachedAnswer | undefined | Promise<CachedAnswer | undefined>;
  set(key: string, answer: CachedAnswer, ttlMs: number): void;
  clear(): void | Promise<void>;
}

/** Answers in this process's memory: the least used go first. */
export class MemoryResponseCache implements ResponseCache {
  readonly #answers: LRUCache<string, CachedAnswer>;

  /** @param maxBytes of all answers. */
  constructor(maxBytes: number) {
    this.#answers = new LRUCache<string, CachedAnswer>({
      maxSize: Math.max(1, maxBytes),
      sizeCalculation: sizeOf,
    });
  }

  get(key: string): CachedAnswer | undefined {
    return this.#answers.get(key);
  }

  set(key: string, answer: CachedAnswer, ttlMs: number): void {
    this.#answers.set(key, answer, { ttl: ttlMs });
  }

  clear(): void {
    this.#answers.clear();
  }
}

/** Bytes, about: texts are mostly of one byte a character. */
export function sizeOf({ content }: CachedAnswer): number {
  const overhead = 512;
  if ("text" in content) return content.text.length + overhead;
  return content.events.reduce((sum, event) => sum + event.length + 32, overhead);
}
