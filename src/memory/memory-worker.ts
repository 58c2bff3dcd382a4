import type { Clock, TimerHandle } from "../lib/clock.ts";
import type { MemorySettings } from "../schema/memory.ts";
import { condense, type Condensed } from "./condense.ts";
import type { Conversation, ConversationStore, KeptItem, MemoryModels } from "./contracts.ts";
import { fitWindow, isInstruction } from "./fit-window.ts";
import { itemTokens } from "./item-tokens.ts";
import { type JobQueue, leaseMs, type TakenJob } from "./job-queue.ts";
import type { LearntNote, LongTermMemory, NoteOwner } from "./long-term-memory.ts";
import { conversationBounds, type ConversationWork, type WaitingTurn } from "./memory.ts";

export interface MemoryWorkerParts {
  readonly clock: Clock;
  readonly conversations: ConversationStore;
  readonly longTerm: LongTermMemory;
  readonly jobs: JobQueue;
  readonly settings: () => MemorySettings;
  /** Models as a caller may use them; undefined where there is no such caller (any more). */
  readonly modelsOf: (caller: string, signal: AbortSignal) => MemoryModels | undefined;
  /** Has a turn's summary and facts written, now that it has been kept. */
  readonly plan: (tenant: string, conversation: string, work: ConversationWork) => void;
  /** Must not throw. */
  readonly onError: (message: string, error: unknown) => void;
}

/** Most tokens of a conversation that a model is handed at once. */
const mostTokensAtOnce = 8_000;
/** Between two looks for work that another process has left, in milliseconds. */
const longestSleepMs = 10_000;
const firstRetryMs = 2_000;
const longestRetryMs = 3_600_000;
/** A store that is away is asked again soon. */
const longestAppendRetryMs = 30_000;

/** Writes summaries, learns facts and keeps turns that had to wait; in the background, one after the other. */
export class MemoryWorker {
  readonly #parts: MemoryWorkerParts;
  readonly #stop = new AbortController();
  #timer: TimerHandle | undefined;
  #running: Promise<void> | undefined;

  constructor(parts: MemoryWorkerParts) {
    this.#parts = parts;
  }

  /** There may be something to do. */
  wake(): void {
    if (this.#stop.signal.aborted || this.#running !== undefined) return;
    const { clock, jobs } = this.#parts;
    if (this.#timer !== undefined) clock.clearTimeout(this.#timer);
    const wait = Math.min(jobs.waitMs() ?? longestSleepMs, longestSleepMs);
    this.#timer = clock.setTimeout(() => this.#work(), wait);
  }

  /** What is under way is given up, and done by whoever comes next. */
  async close(): Promise<void> {
    this.#stop.abort(new DOMException("The gateway is shutting down.", "AbortError"));
    if (this.#timer !== undefined) this.#parts.clock.clearTimeout(this.#timer);
    await this.#running;
  }

  #work(): void {
    this.#running = this.#drain().catch((error) =>
      this.#parts.onError("the memory's work cannot be looked at", error)
    ).finally(() => {
      this.#running = undefined;
      this.wake();
    });
  }

  async #drain(): Promise<void> {
    const { jobs } = this.#parts;
    while (!this.#stop.signal.aborted) {
      const job = jobs.take();
      if (job === undefined) return;
      await this.#do(job);
    }
  }

  async #do(job: TakenJob): Promise<void> {
    const { jobs, onError, settings, clock } = this.#parts;
    let lease = clock.setTimeout(function extend() {
      jobs.extend(job);
      lease = clock.setTimeout(extend, leaseMs / 3);
    }, leaseMs / 3);
    try {
      await this.#run(job);
      jobs.finish(job);
    } catch (error) {
      if (this.#stop.signal.aborted) return jobs.release(job);
      const isAppend = job.kind === "append";
      if (!isAppend && job.attempts >= settings().retries) {
        onError(`giving up to ${job.kind} a conversation; its turns stay`, error);
        return jobs.finish(job);
      }
      const most = isAppend ? longestAppendRetryMs : longestRetryMs;
      jobs.retry(job, Math.min(most, firstRetryMs * 2 ** job.attempts));
      onError(`a try to ${job.kind} a conversation failed`, error);
    } finally {
      clock.clearTimeout(lease);
    }
  }

  async #run(job: TakenJob): Promise<void> {
    if (job.kind === "append") return await this.#append(job, job.payload as WaitingTurn);
    const work = job.payload as ConversationWork;
    if (job.kind === "condense") return await this.#condense(job, work);
    return await this.#learn(job, work);
  }

  async #append(
    { tenant, conversation }: TakenJob,
    { items, user, opens, work }: WaitingTurn,
  ): Promise<void> {
    const { conversations, settings, plan } = this.#parts;
    const first = items[0];
    // It may have been written by a try whose answer never came.
    if (first !== undefined && await conversations.item(tenant, conversation, first.id!) !== undefined) {
      return;
    }
    const open = opens ? { user: user ?? undefined } : undefined;
    const kept = await conversations.append(
      tenant,
      conversation,
      items,
      conversationBounds(settings()),
      open,
    );
    if (kept !== undefined && work !== undefined) plan(tenant, conversation, work);
  }

  /** Until what is left fits into half of the window: a conversation that goes on is not condensed anew with every turn. */
  async #condense({ tenant, conversation: id }: TakenJob, work: ConversationWork): Promise<void> {
    const { conversations, settings } = this.#parts;
    for (;;) {
      const conversation = await conversations.find(tenant, id);
      if (conversation === undefined) return;
      const items = await conversations.since(tenant, id, conversation.condensed, settings().max_items);
      if (firstKept(items, work.windowTokens) === 0) return;
      const old = bounded(items.slice(0, firstKept(items, work.windowTokens / 2)));
      const last = old.at(-1);
      if (last === undefined) return;
      const written = await this.#write(conversation, old, work);
      await this.#keep(conversation, work, [
        { kind: "summary", text: written.summary },
        // What the summary was made of need not be looked at again.
        ...(work.facts ? factsOf(written) : []),
      ]);
      await this.#note(conversation, {
        summary: written.summary,
        condensed: last.number,
        learnt: work.facts ? Math.max(conversation.learnt, last.number) : conversation.learnt,
      });
    }
  }

  async #learn({ tenant, conversation: id }: TakenJob, work: ConversationWork): Promise<void> {
    const { conversations, settings } = this.#parts;
    for (;;) {
      const conversation = await conversations.find(tenant, id);
      if (conversation === undefined) return;
      const items = bounded(await conversations.since(tenant, id, conversation.learnt, settings().max_items));
      const last = items.at(-1);
      if (last === undefined) return;
      const written = await this.#write(conversation, items, work);
      await this.#keep(conversation, work, factsOf(written));
      await this.#note(conversation, { learnt: last.number });
    }
  }

  async #write(
    { summary }: Conversation,
    items: readonly KeptItem[],
    { caller }: ConversationWork,
  ): Promise<Condensed> {
    const { model, summary_tokens: summaryTokens } = this.#parts.settings();
    if (model === undefined) throw new Error("no model is configured that writes summaries");
    return await condense(this.#modelsOf(caller), model, {
      summary,
      items: items.map(({ item }) => item),
      summaryTokens,
    });
  }

  async #keep(
    { tenant, id }: Conversation,
    { caller, user }: ConversationWork,
    notes: readonly LearntNote[],
  ): Promise<void> {
    const { conversations, longTerm, settings } = this.#parts;
    const { embedding_model: model } = settings();
    const owner: NoteOwner = { tenant, user: user ?? undefined, conversation: id };
    const embedding = model === undefined ? undefined : { model, models: this.#modelsOf(caller) };
    await longTerm.learn(owner, notes, embedding);
    // It may have been forgotten while the model was at work.
    if (await conversations.find(tenant, id) === undefined) {
      await longTerm.forget(tenant, { conversation: id });
    }
  }

  async #note(
    conversation: Conversation,
    next: Partial<Pick<Conversation, "condensed" | "learnt" | "summary">>,
  ): Promise<void> {
    const { conversations } = this.#parts;
    const { tenant, id } = conversation;
    if (await conversations.progress(tenant, id, conversation, next)) return;
    if (await conversations.find(tenant, id) === undefined) return;
    throw new Error("the conversation has been condensed by somebody else in the meantime");
  }

  #modelsOf(caller: string): MemoryModels {
    const models = this.#parts.modelsOf(caller, this.#stop.signal);
    if (models === undefined) throw new Error("whoever spoke in the conversation is not known any more");
    return models;
  }
}

function factsOf({ facts }: Condensed): LearntNote[] {
  return facts.map((text) => ({ kind: "fact", text }));
}

/** Where what is sent along begins; 0 where all of it is. */
function firstKept(items: readonly KeptItem[], tokens: number): number {
  const kept = fitWindow(items.map(({ item }) => item), { tokens });
  const first = items.findIndex(({ item }, index) => kept[index] && !isInstruction(item));
  if (first >= 0) return items.slice(0, first).every(({ item }) => isInstruction(item)) ? 0 : first;
  return items.some(({ item }) => !isInstruction(item)) ? items.length : 0;
}

/** The beginning of it that a model can be handed at once; one item at least. */
function bounded(items: readonly KeptItem[]): KeptItem[] {
  let tokens = 0;
  const end = items.findIndex(({ item }, index) => {
    tokens += itemTokens(item);
    return index > 0 && tokens > mostTokensAtOnce;
  });
  return end < 0 ? [...items] : items.slice(0, end);
}
