import type { Clock, TimerHandle } from "../lib/clock.ts";
import type { MemorySettings } from "../schema/memory.ts";
import type { ConversationStore } from "./contracts.ts";
import type { LongTermMemory } from "./long-term-memory.ts";

export interface SweeperParts {
  readonly clock: Clock;
  readonly conversations: ConversationStore;
  readonly longTerm: LongTermMemory;
  readonly settings: () => MemorySettings;
  /** Must not throw. */
  readonly onError: (message: string, error: unknown) => void;
}

const dayMs = 86_400_000;
/** A gateway that is restarted often must sweep, too. */
const firstSweepMs = 30_000;

/** Removes what has been kept long enough, now and again. */
export class Sweeper {
  readonly #parts: SweeperParts;
  #timer: TimerHandle | undefined;
  #closed = false;

  constructor(parts: SweeperParts) {
    this.#parts = parts;
    this.#wait(Math.min(firstSweepMs, this.#intervalMs));
  }

  close(): void {
    this.#closed = true;
    if (this.#timer !== undefined) this.#parts.clock.clearTimeout(this.#timer);
  }

  /** Removes what is too old, and gives how much that was. */
  async sweep(): Promise<number> {
    const { clock, conversations, longTerm, settings } = this.#parts;
    const { retention_days: days, facts_retention_days: factDays } = settings();
    const now = clock.now();
    const removed = days > 0 ? await conversations.expire(now - days * dayMs) : 0;
    return removed + (factDays > 0 ? await longTerm.expire(now - factDays * dayMs) : 0);
  }

  get #intervalMs(): number {
    return this.#parts.settings().sweep_minutes * 60_000;
  }

  #wait(delayMs: number): void {
    if (this.#closed) return;
    this.#timer = this.#parts.clock.setTimeout(async () => {
      try {
        await this.sweep();
      } catch (error) {
        this.#parts.onError("the memory could not be swept", error);
      }
      this.#wait(this.#intervalMs);
    }, delayMs);
  }
}
