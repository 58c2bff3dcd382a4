import type { HoldAnswer, HoldRequest } from "./holds.ts";

/** How much of a limit a node takes at once, beyond what it needs: the rest of it can be used without asking again. */
const shareTaken = 50;
/** A part that was not confirmed for so long is asked for anew, in milliseconds: others soon take its node to be gone. */
const confirmedForMs = 30_000;

/** What was heard of others is old after so many milliseconds. */
const staleAfterMs = 1_000;

export interface SharedCounterOptions {
  /** Names account and limit. */
  readonly name: string;
  readonly limit: number;
  /** Milliseconds of a sliding window; undefined for what only ends by being given back. */
  readonly windowMs: number | undefined;
  /** Milliseconds for which Redis keeps it after its last change. */
  readonly keepMs: number;
  /** What was used goes on over a restart of this node, as its books do. */
  readonly survives: boolean;
  /** What a node that is gone has used is free again, as its running requests are. */
  readonly endsWithNode: boolean;
}

/** One refusal answers all that wait for the same, in milliseconds. */
const refusalHoldsMs = 50;

/** This node's part of one shared limit. */
export class SharedCounter {
  readonly #options: SharedCounterOptions;
  /** As it is now; it may change while the counter goes on. */
  limit: number;
  /** What all other nodes have used, as of the last answer. */
  usedByOthers = 0;
  #window = 0;
  #used = 0;
  #granted = 0;
  #confirmedUntil = -Infinity;
  /** Something has changed that Redis does not know. */
  dirty = false;
  /** What requests wait for that this node does not hold yet. */
  waiting = 0;
  /** What others had taken when this node was last refused more, and until when that is believed. */
  refused: { readonly taken: number; readonly until: number } | undefined;
  /** Resolves when what is being asked for has been answered. */
  asking: Promise<void> | undefined;

  /** @param used what this node has used of it before, where its books know. */
  constructor(options: SharedCounterOptions, used: number) {
    this.#options = options;
    this.limit = options.limit;
    this.#used = used;
  }

  /** Which window a time of the shared clock falls into; what is given back later must name it. */
  windowAt(sharedNow: number): number {
    const { windowMs } = this.#options;
    const window = windowMs === undefined ? 0 : Math.floor(sharedNow / windowMs);
    if (window !== this.#window) {
      this.#window = window;
      this.#used = this.#granted = 0;
      this.#confirmedUntil = -Infinity;
    }
    return window;
  }

  /** Whether this much more can be used without asking. */
  covers(amount: number, now: number): boolean {
    return this.#used + amount <= this.#granted && now < this.#confirmedUntil;
  }

  /** Whether it would be within this node's equal share, for times without Redis. */
  isWithinShare(amount: number, nodes: number): boolean {
    return this.#used + amount <= Math.max(1, this.limit / nodes);
  }

  /** Somebody looks at it: what was heard of the others long ago is asked for anew. */
  look(now: number): void {
    if (now > this.#confirmedUntil - confirmedForMs + staleAfterMs) this.dirty = true;
  }

  /** Whether others would soon take what is in use for gone. */
  needsRenewal(now: number): boolean {
    return this.#options.endsWithNode && this.#used > 0 && now > this.#confirmedUntil - confirmedForMs / 2;
  }

  use(amount: number): void {
    this.#used += amount;
    this.dirty = true;
  }

  /** Corrects what was used in a window. When that is over, what was too much of it counts now, and what was too little is let go. */
  correct(difference: number, window: number): void {
    if (window !== this.#window && difference <= 0) return;
    this.#used = Math.max(0, this.#used + difference);
    this.dirty = true;
  }

  /** What to ask for so that this much more can be used; 0 confirms what is held and gives back what is not needed. */
  request(amount: number, sharedNow: number): HoldRequest {
    const { name, windowMs, keepMs, survives, endsWithNode } = this.#options;
    const { limit } = this;
    const least = Math.ceil(this.#used + amount);
    const request = {
      used: Math.ceil(this.#used),
      least,
      most: least + Math.ceil(this.waiting) + Math.floor(limit / shareTaken),
      limit,
      keepMs,
      survives,
      endsWithNode,
    };
    // What is not asked for any more must not be spent while the question is on its way.
    this.#granted = Math.min(this.#granted, request.most);
    if (windowMs === undefined) return { ...request, name: `${name}:all` };
    const share = 1 - (sharedNow % windowMs) / windowMs;
    return {
      ...request,
      name: `${name}:${this.#window}`,
      former: { name: `${name}:${this.#window - 1}`, share },
    };
  }

  /** Takes over what was answered to a request of this window. */
  confirm(answer: HoldAnswer, window: number, now: number): void {
    this.usedByOthers = answer.usedByOthers;
    if (window !== this.#window) return;
    this.refused = "granted" in answer ? undefined : { taken: answer.taken, until: now + refusalHoldsMs };
    if ("granted" in answer) this.#granted = answer.granted;
    this.#confirmedUntil = now + confirmedForMs;
  }
}
