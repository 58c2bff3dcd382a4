import type { PluginHost } from "intellirouter/plugin";

/** A token as its issuer gave it. */
export interface IssuedToken<Token = string> {
  readonly token: Token;
  /** Seconds from now. */
  readonly expiresIn: number;
}

/** From this long before its end a token is renewed while it still serves, in milliseconds. */
const earlyMs = 5 * 60_000;

/** After a failure to renew a token that still serves, this long passes until the next attempt, in milliseconds. */
const pauseMs = 10_000;

interface Asking<Token> {
  readonly token: Promise<Token>;
  readonly stop: AbortController;
  waiting: number;
}

/**
 * A token that serves all requests until it ends. Shortly before, a new one is asked for while the old one goes on serving, so that
 * no request waits and an issuer that is away for a minute is not noticed. Many requests at once ask for a new one once; the
 * asking is given up when the last of those that wait for it has left.
 */
export class CachedToken<Token = string> {
  readonly #host: Pick<PluginHost, "now">;
  readonly #ask: (signal: AbortSignal) => Promise<IssuedToken<Token>>;
  #held: { readonly token: Token; readonly ends: number } | undefined;
  #renewAt = 0;
  #asking: Asking<Token> | undefined;

  constructor(host: Pick<PluginHost, "now">, ask: (signal: AbortSignal) => Promise<IssuedToken<Token>>) {
    this.#host = host;
    this.#ask = ask;
  }

  /** @throws the signal's reason when it aborts, and what asking throws. */
  async get(signal: AbortSignal): Promise<Token> {
    signal.throwIfAborted();
    const now = this.#host.now();
    if (this.#held !== undefined && now < this.#held.ends) {
      if (now >= this.#renewAt) this.#asking ??= this.#begin();
      return this.#held.token;
    }
    // Not with the signal of one request: others wait for the same token.
    return await this.#wait(this.#asking ??= this.#begin(), signal);
  }

  /** Forgets the token: the backend says that it is no longer good. */
  drop(): void {
    this.#held = undefined;
  }

  async #wait(asking: Asking<Token>, signal: AbortSignal): Promise<Token> {
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

  #begin(): Asking<Token> {
    const stop = new AbortController();
    const asking: Asking<Token> = { token: this.#renew(stop.signal), stop, waiting: 0 };
    // Whoever waits is told; when nobody does it is nobody's failure.
    asking.token.catch(() => {}).then(() => {
      if (this.#asking === asking) this.#asking = undefined;
    });
    return asking;
  }

  async #renew(signal: AbortSignal): Promise<Token> {
    this.#renewAt = this.#host.now() + pauseMs;
    const { token, expiresIn } = await this.#ask(signal);
    const ends = this.#host.now() + expiresIn * 1000;
    this.#held = { token, ends };
    this.#renewAt = Math.max(ends - earlyMs, this.#renewAt);
    return token;
  }
}
