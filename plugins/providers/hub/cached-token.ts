import type { PluginHost } from "intellirouter/plugin";

/** A token as its issuer gave it. */
export interface IssuedToken {
  readonly token: string;
  /** Seconds from now. */
  readonly expiresIn: number;
}

/** A token is replaced this long before it ends, in milliseconds. */
const earlyMs = 5 * 60_000;

/**
 * A token that serves all requests until shortly before it ends. Many requests at once ask for a new one once; the asking is
 * given up when the last of those that wait for it has left.
 */
export class CachedToken {
  readonly #host: Pick<PluginHost, "now">;
  readonly #ask: (signal: AbortSignal) => Promise<IssuedToken>;
  #token = "";
  #until = 0;
  #asking: { readonly token: Promise<string>; readonly stop: AbortController; waiting: number } | undefined;

  constructor(host: Pick<PluginHost, "now">, ask: (signal: AbortSignal) => Promise<IssuedToken>) {
    this.#host = host;
    this.#ask = ask;
  }

  /** @throws the signal's reason when it aborts, and what asking throws. */
  async get(signal: AbortSignal): Promise<string> {
    signal.throwIfAborted();
    if (this.#host.now() < this.#until) return this.#token;
    // Not with the signal of one request: others wait for the same token.
    const asking = this.#asking ??= this.#begin();
    const left = Promise.withResolvers<never>();
    const leave = () => left.reject(signal.reason);
    signal.addEventListener("abort", leave, { once: true });
    asking.waiting++;
    try {
      return await Promise.race([asking.token, left.promise]);
    } finally {
      signal.removeEventListener("abort", leave);
      if (--asking.waiting === 0 && this.#asking === asking) {
        this.#asking = undefined;
        asking.stop.abort(signal.reason);
      }
    }
  }

  #begin() {
    const stop = new AbortController();
    const token = this.#renew(stop.signal);
    // Whoever waits is told; when nobody does any more it is nobody's failure.
    token.catch(() => {});
    return { token, stop, waiting: 0 };
  }

  async #renew(signal: AbortSignal): Promise<string> {
    const { token, expiresIn } = await this.#ask(signal);
    this.#token = token;
    this.#until = this.#host.now() + expiresIn * 1000 - earlyMs;
    return token;
  }
}
