import { LRUCache } from "lru-cache";
import type { Clock, TimerHandle } from "../../lib/clock.ts";
import type { Holds } from "./holds.ts";
import { SharedCounter, type SharedCounterOptions } from "./shared-counter.ts";

/** A part of a shared limit that a request takes. */
export interface SharedUse {
  readonly counter: SharedCounter;
  readonly amount: number;
  /** Which window it was taken from. */
  readonly window: number;
  readonly unit: SharedWish["unit"];
}

/** What a request would take of one limit. */
export interface SharedWish {
  readonly limit: SharedCounterOptions;
  readonly unit: "requests" | "tokens" | "concurrent" | "money";
  readonly amount: number;
  /** What this node has used when it begins to count, where its books know. */
  readonly used?: () => number;
  /**
   * What holds while Redis does not answer: `share` goes on with this node's equal share of the limit, `closed` with no more than it
   * already holds.
   */
  readonly alone: "share" | "closed";
}

/** A wish that is not granted. */
export interface SharedRefusal {
  readonly wish: SharedWish;
  /** How much others have taken; undefined when Redis does not answer and nothing is held. */
  readonly taken: number | undefined;
}

export interface SharedLimitsOptions {
  readonly holds: Pick<Holds, "hold" | "time" | "hasForgotten" | "presence">;
  readonly clock: Clock;
  /** What this node's books say that a scope has spent in the running periods, in nanodollars. */
  readonly spent: (scope: string) => Iterable<{ readonly period: string; readonly nanodollars: number }>;
  /** Told when Redis stops answering, and when it answers again; must not throw. */
  readonly onState: (available: boolean, error?: unknown) => void;
}

const mostCounters = 200_000;
/** What was used is told to the others so often. */
const reportEveryMs = 500;
const clockEveryMs = 60_000;
/** After a failure Redis is left alone for so long: not every request has to wait for its time limit. */
const pauseMs = 250;
/** Others can take what was free a moment ago. */
const mostRounds = 100;

/**
 * Limits that many nodes share through Redis. A node takes a part of a limit at a time and spends it without asking; the parts of all
 * nodes never exceed the limit, so that no limit is ever exceeded while Redis keeps its memory. What a node holds and does not use is
 * the price: at most a fiftieth of the limit for each node.
 */
export class SharedLimits {
  readonly #options: SharedLimitsOptions;
  readonly #counters = new LRUCache<string, SharedCounter>({ max: mostCounters });
  /** Those whose spending is to be told: also without a budget, for the day when they get one. */
  readonly #spenders = new Set<string>();
  readonly #spentByOthers = new LRUCache<string, number>({ max: mostCounters });
  #clockOffset = 0;
  #pausedUntil = -Infinity;
  #available = true;
  #timer: TimerHandle | undefined;
  #clockReadAt = -Infinity;
  /** Gateways that share, as of the last time that Redis was asked. */
  #nodes = 1;
  #closed = false;

  constructor(options: SharedLimitsOptions) {
    this.#options = options;
    this.#timer = options.clock.setTimeout(() => void this.#report(), 0);
  }

  /** False while Redis does not answer. */
  get isAvailable(): boolean {
    return this.#available;
  }

  /**
   * Takes all of the wishes or none. Answers at once where this node holds enough.
   *
   * @returns what was taken, to be given back or corrected later; or the wish that cannot be granted.
   */
  take(wishes: readonly SharedWish[]): SharedUse[] | Promise<SharedUse[] | SharedRefusal> {
    const now = this.#options.clock.monotonic();
    const uses = wishes.map((wish) => this.#use(wish));
    return uses.every(({ counter, amount }) => counter.covers(amount, now)) ? grant(uses) : this.#ask(wishes);
  }

  /** How much more or less of each was used in the end. */
  correct(uses: readonly SharedUse[], difference: (use: SharedUse) => number): void {
    for (const use of uses) use.counter.correct(difference(use), use.window);
  }

  /** These have spent something. */
  noteSpending(scopes: readonly string[]): void {
    for (const scope of scopes) this.#spenders.add(scope);
  }

  /** What all other nodes have spent, as of the last time that Redis was asked. */
  spentByOthers(scope: string, period: string): number {
    const name = spendingName(scope, period);
    return this.#looked(name) ?? this.#spentByOthers.peek(name) ?? 0;
  }

  /** What all other nodes have used of a limit, as of the last time that Redis was asked; Redis is soon asked again. */
  usedByOthers(name: string): number {
    return this.#looked(name) ?? 0;
  }

  #looked(name: string): number | undefined {
    const counter = this.#counters.peek(name);
    counter?.look(this.#options.clock.monotonic());
    return counter?.usedByOthers;
  }

  close(): void {
    this.#closed = true;
    if (this.#timer !== undefined) this.#options.clock.clearTimeout(this.#timer);
  }

  #use({ limit, amount, used, unit }: SharedWish): SharedUse {
    const { name } = limit;
    let counter = this.#counters.get(name);
    if (counter === undefined) {
      counter = new SharedCounter(limit, used?.() ?? 0);
      this.#counters.set(name, counter);
    }
    counter.limit = limit.limit;
    const window = counter.windowAt(this.#sharedNow());
    return { counter, amount, window, unit };
  }

  async #ask(wishes: readonly SharedWish[]): Promise<SharedUse[] | SharedRefusal> {
    const waiting = wishes.map((wish) => this.#use(wish).counter);
    waiting.forEach((counter, index) => counter.waiting += wishes[index]!.amount);
    try {
      for (let round = 0; round < mostRounds; round++) {
        // While one was asked for, other requests may have used what was held of another.
        const now = this.#options.clock.monotonic();
        const uses = wishes.map((wish) => this.#use(wish));
        const lacking = uses.findIndex(({ counter, amount }, index) =>
          !counter.covers(amount, now) && !this.#isBearable(wishes[index]!, counter)
        );
        if (lacking < 0) return grant(uses);
        const { counter } = uses[lacking]!;
        const { refused } = counter;
        if (refused !== undefined && now < refused.until) {
          return { wish: wishes[lacking]!, taken: refused.taken };
        }
        // One question at a time for each limit: it asks for all that wait.
        if (counter.asking !== undefined) await counter.asking;
        else {
          const refusal = await this.#widen(wishes[lacking]!, counter);
          if (refusal !== undefined) return refusal;
        }
      }
      return { wish: wishes[0]!, taken: undefined };
    } finally {
      waiting.forEach((counter, index) => counter.waiting -= wishes[index]!.amount);
    }
  }

  /** Asks for what is lacking for one wish. */
  async #widen(wish: SharedWish, counter: SharedCounter): Promise<SharedRefusal | undefined> {
    const { clock, holds } = this.#options;
    if (clock.monotonic() < this.#pausedUntil) return { wish, taken: undefined };
    const sharedNow = this.#sharedNow();
    const window = counter.windowAt(sharedNow);
    const asked = holds.hold(counter.request(wish.amount, sharedNow));
    counter.asking = asked.then(nothing, nothing);
    try {
      const answer = await asked;
      this.#recovered();
      counter.confirm(answer, window, clock.monotonic());
      return "taken" in answer ? { wish, taken: answer.taken } : undefined;
    } catch (error) {
      this.#failed(error);
      // Those that may go on without Redis are let through by the next round.
      return wish.alone === "share" && counter.isWithinShare(wish.amount, this.#nodes)
        ? undefined
        : { wish, taken: undefined };
    } finally {
      counter.asking = undefined;
    }
  }

  #isBearable({ alone, amount }: SharedWish, counter: SharedCounter): boolean {
    return !this.#available && alone === "share" && counter.isWithinShare(amount, this.#nodes);
  }

  #failed(error: unknown): void {
    this.#pausedUntil = this.#options.clock.monotonic() + pauseMs;
    if (this.#available) this.#options.onState(false, error);
    this.#available = false;
  }

  #recovered(): void {
    if (!this.#available) this.#options.onState(true);
    this.#available = true;
  }

  #sharedNow(): number {
    return this.#options.clock.now() + this.#clockOffset;
  }

  /** Tells what has changed; also what a Redis that has forgotten everything needs to know again. */
  async #report(): Promise<void> {
    const { clock, holds } = this.#options;
    try {
      if (clock.monotonic() - this.#clockReadAt > clockEveryMs) {
        const before = clock.now();
        const time = await holds.time();
        this.#clockOffset = time - (before + clock.now()) / 2;
        this.#clockReadAt = clock.monotonic();
      }
      const counters = [...this.#counters.values()];
      // Everybody who has used something says so again.
      if (await holds.hasForgotten()) { for (const counter of counters) counter.dirty = true; }
      this.#nodes = await holds.presence();
      this.#recovered();
      const now = clock.monotonic();
      const changed = counters.filter((counter) => counter.dirty || counter.needsRenewal(now));
      await Promise.all([...changed.map((counter) => this.#confirm(counter)), this.#tellSpending()]);
    } catch (error) {
      this.#failed(error);
    }
    if (!this.#closed) this.#timer = clock.setTimeout(() => void this.#report(), reportEveryMs);
  }

  async #tellSpending(): Promise<void> {
    const { holds, spent } = this.#options;
    const scopes = [...this.#spenders];
    this.#spenders.clear();
    try {
      await Promise.all(
        scopes.flatMap((scope) =>
          [...spent(scope)].map(async ({ period, nanodollars: used }) => {
            const name = spendingName(scope, period);
            // One that has a hard budget tells of it itself.
            if (this.#counters.has(name)) return;
            const { usedByOthers } = await holds.hold({
              name: `${name}:all`,
              used,
              least: used,
              most: used,
              limit: Number.MAX_SAFE_INTEGER,
              keepMs: spendingKeptMs,
              survives: true,
              endsWithNode: false,
            });
            this.#spentByOthers.set(name, usedByOthers);
          })
        ),
      );
    } catch (error) {
      this.noteSpending(scopes);
      throw error;
    }
  }

  async #confirm(counter: SharedCounter): Promise<void> {
    const { clock, holds } = this.#options;
    const window = counter.windowAt(this.#sharedNow());
    counter.dirty = false;
    try {
      counter.confirm(await holds.hold(counter.request(0, this.#sharedNow())), window, clock.monotonic());
    } catch (error) {
      counter.dirty = true;
      throw error;
    }
  }
}

function grant(uses: SharedUse[]): SharedUse[] {
  for (const { counter, amount } of uses) counter.use(amount);
  return uses;
}

const nothing = (): void => {};

/** Spending is remembered longer than any period that is not for ever. */
export const spendingKeptMs = 100 * 366 * 24 * 3_600_000;

export function spendingName(scope: string, period: string): string {
  return `${scope}:${period}`;
}
