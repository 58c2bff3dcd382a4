/** Something that is replaced as a whole while requests still use the old one. */
export interface Disposable {
  /** Called once, when nobody holds it any more. */
  dispose(): Promise<void>;
}

/**
 * The current generation of a configuration and the ones that requests still hold. A replaced generation is disposed when
 * its last holder lets go, so that a reload disturbs nobody.
 */
export class Generations<T extends Disposable> {
  #current: Entry<T>;
  readonly #onError: (error: unknown) => void;
  readonly #draining = new Set<Promise<void>>();

  constructor(first: T, onError: (error: unknown) => void) {
    this.#current = { generation: first, holders: 0, replaced: false };
    this.#onError = onError;
  }

  get current(): T {
    return this.#current.generation;
  }

  /** The current generation, held until `release` is called exactly once. */
  acquire(): { readonly generation: T; release(): void } {
    const entry = this.#current;
    entry.holders++;
    return {
      generation: entry.generation,
      release: () => {
        entry.holders--;
        this.#disposeIfUnused(entry);
      },
    };
  }

  /** New requests get `next` from now on. */
  replace(next: T): void {
    const old = this.#current;
    this.#current = { generation: next, holders: 0, replaced: false };
    old.replaced = true;
    this.#disposeIfUnused(old);
  }

  /** Disposes the current generation and waits for those that are on their way out. */
  async close(): Promise<void> {
    const entry = this.#current;
    entry.replaced = true;
    this.#disposeIfUnused(entry);
    await Promise.all(this.#draining);
  }

  #disposeIfUnused(entry: Entry<T>): void {
    if (!entry.replaced || entry.holders > 0) return;
    const draining = entry.generation.dispose().catch(this.#onError).finally(() =>
      this.#draining.delete(draining)
    );
    this.#draining.add(draining);
  }
}

interface Entry<T> {
  readonly generation: T;
  holders: number;
  replaced: boolean;
}
