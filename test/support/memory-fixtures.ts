import type { VectorStore } from "intellirouter/plugin";
import sqliteVectors from "../../plugins/vectors/sqlite.ts";
import type { ConversationStore, MemoryModels } from "../../src/memory/contracts.ts";
import { JobQueue } from "../../src/memory/job-queue.ts";
import { LongTermMemory } from "../../src/memory/long-term-memory.ts";
import { Memory, type Turn } from "../../src/memory/memory.ts";
import { MemoryAdministration } from "../../src/memory/memory-administration.ts";
import { MemoryWorker } from "../../src/memory/memory-worker.ts";
import { SqliteConversationStore } from "../../src/memory/sqlite-conversation-store.ts";
import { memorySchema, type MemorySettings } from "../../src/schema/memory.ts";
import type { ResponseItem } from "../../src/schema/response.ts";
import { FakeClock } from "./fake-clock.ts";
import { testHost } from "./test-host.ts";

/** A model of memory that a test plays; what it was asked is kept. */
export class PlayedModels implements MemoryModels {
  readonly asked: string[] = [];
  /** Instead of an answer. */
  failure: unknown;
  answer = (_text: string): unknown => ({ summary: `summary ${this.asked.length}`, facts: [] });

  write(_model: string, prompt: { readonly text: string }): Promise<string> {
    this.asked.push(prompt.text);
    if (this.failure !== undefined) return Promise.reject(this.failure);
    return Promise.resolve(JSON.stringify(this.answer(prompt.text)));
  }

  /** Texts are near that begin with the same word. */
  embed(_model: string, texts: readonly string[]): Promise<Float32Array[]> {
    return Promise.resolve(texts.map((text) => {
      const values = new Float32Array(64);
      for (const [index, word] of text.toLowerCase().split(/\W+/).entries()) {
        const place = [...word].reduce((sum, character) => (sum * 31 + character.charCodeAt(0)) % 64, 7);
        values[place]! += index === 0 ? 3 : 1;
      }
      return values;
    }));
  }
}

/** A whole memory in memory, with a clock and models of the test's. */
export function testMemory(
  given: Partial<MemorySettings> = {},
  parts: { readonly conversations?: ConversationStore; readonly clock?: FakeClock } = {},
) {
  const clock = parts.clock ?? new FakeClock();
  const host = testHost({ now: () => clock.now() });
  const settings = () => ({ ...memorySchema.parse({ model: "writer" }), ...given });
  const conversations = parts.conversations ?? new SqliteConversationStore(host.sqlite("memory"), clock);
  const jobs = new JobQueue(host.sqlite("jobs"), clock);
  const longTerm = new LongTermMemory(
    sqliteVectors.create(sqliteVectors.options.parse({}), host) as VectorStore,
    clock,
  );
  const models = new PlayedModels();
  const errors: string[] = [];
  const onError = (message: string, error: unknown) => void errors.push(`${message}: ${error}`);
  const memory = new Memory({
    clock,
    conversations,
    longTerm,
    jobs,
    settings,
    onJob: () => worker.wake(),
    onError,
  });
  const worker: MemoryWorker = new MemoryWorker({
    clock,
    conversations,
    longTerm,
    jobs,
    settings,
    modelsOf: (caller) => caller === "unknown" ? undefined : models,
    plan: (tenant, conversation, work) => memory.plan(tenant, conversation, work),
    onError,
  });
  const administration = new MemoryAdministration(memory, longTerm, jobs);
  return { clock, conversations, jobs, longTerm, memory, worker, administration, models, errors, settings };
}

export function said(text: string, role: "user" | "assistant" = "user"): ResponseItem {
  return { id: `msg_${crypto.randomUUID()}`, type: "message", role, content: text };
}

/** A turn of one question and its answer. */
export function turnOf(more: Partial<Turn> & Pick<Turn, "policy">, question: string, answer = "Well."): Turn {
  return {
    tenant: "a",
    conversation: "c",
    user: "ann",
    caller: "key",
    opens: true,
    items: [said(question), said(answer, "assistant")],
    ...more,
  };
}
