import type { Clock, TimerHandle } from "./clock.ts";

export interface ShutdownOptions {
  readonly clock: Clock;
  /** Time between the announcement and the first close, in milliseconds: load balancers notice /readyz in it. */
  readonly drainDelayMs: number;
  /** Time that running work may take to end, in milliseconds; after it everything is closed in a hurry. */
  readonly graceMs: number;
  /** Told of every subsystem that failed to close; must not throw. */
  readonly onError?: (name: string, error: unknown) => void;
}

/** What is left may still write down what it knows, in this many milliseconds altogether. */
const hurryMs = 1_000;

export type ShutdownOutcome = "clean" | "forced" | "failed";

/**
 * Ends the process's subsystems in an orderly way: announce → wait the drain delay → close in reverse order of
 * registration → done. One coordinator serves many owners: each may start the shutdown and each may await its end.
 */
export class ShutdownCoordinator {
  readonly #options: ShutdownOptions;
  readonly #closers: { name: string; close: (signal: AbortSignal) => void | Promise<void> }[] = [];
  readonly #announced = new AbortController();
  readonly #forced = new AbortController();
  readonly #completion = Promise.withResolvers<ShutdownOutcome>();
  #started = false;
  #failed = false;

  constructor(options: ShutdownOptions) {
    this.#options = options;
  }

  /** Aborts the moment a shutdown begins: readiness turns, background work stops starting. */
  get announced(): AbortSignal {
    return this.#announced.signal;
  }

  /** Aborts when the grace is over or a second request to stop came: running work must end now. */
  get forced(): AbortSignal {
    return this.#forced.signal;
  }

  /**
   * Registers a subsystem. Its `close` gets the signal of `forced`, is called once, and may take as long as the grace lasts.
   *
   * @returns a function that withdraws the registration, for a subsystem that ended by itself.
   */
  register(name: string, close: (forced: AbortSignal) => void | Promise<void>): () => void {
    const entry = { name, close };
    this.#closers.push(entry);
    return () => {
      const index = this.#closers.indexOf(entry);
      if (index >= 0) this.#closers.splice(index, 1);
    };
  }

  /** Starts the shutdown; a second call cuts it short. Resolves with `waitForCompletion`. */
  shutdown(): Promise<ShutdownOutcome> {
    if (this.#started) this.#force();
    else {
      this.#started = true;
      this.#announced.abort();
      void this.#run();
    }
    return this.#completion.promise;
  }

  /** Resolves when everything is closed or given up. Any number of owners may await it, before or after. */
  waitForCompletion(): Promise<ShutdownOutcome> {
    return this.#completion.promise;
  }

  #force(): void {
    this.#forced.abort();
  }

  async #run(): Promise<void> {
    await this.#pause(this.#options.drainDelayMs);
    const { clock, graceMs } = this.#options;
    const timer = clock.setTimeout(() => this.#force(), graceMs);
    const hurry = this.#whenHurryIsOver();
    while (this.#closers.length > 0 && !hurry.over) {
      const closer = this.#closers.pop()!;
      try {
        await Promise.race([closer.close(this.#forced.signal), hurry.promise]);
      } catch (error) {
        this.#failed = true;
        this.#options.onError?.(closer.name, error);
      }
    }
    clock.clearTimeout(timer);
    hurry.cancel();
    this.#completion.resolve(this.#forced.signal.aborted ? "forced" : this.#failed ? "failed" : "clean");
  }

  #pause(milliseconds: number): Promise<void> {
    if (milliseconds <= 0) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = this.#options.clock.setTimeout(resolve, milliseconds);
      this.#forced.signal.addEventListener("abort", () => {
        this.#options.clock.clearTimeout(timer);
        resolve();
      });
    });
  }

  /** Some time after the shutdown was forced nothing is waited for any more. */
  #whenHurryIsOver(): { readonly promise: Promise<void>; readonly over: boolean; cancel(): void } {
    const { clock } = this.#options;
    const { promise, resolve } = Promise.withResolvers<void>();
    let over = false;
    let timer: TimerHandle | undefined;
    const begin = () => {
      timer = clock.setTimeout(() => {
        over = true;
        resolve();
      }, hurryMs);
    };
    if (this.#forced.signal.aborted) begin();
    else this.#forced.signal.addEventListener("abort", begin, { once: true });
    return {
      promise,
      get over() {
        return over;
      },
      cancel: () => timer === undefined ? undefined : clock.clearTimeout(timer),
    };
  }
}
