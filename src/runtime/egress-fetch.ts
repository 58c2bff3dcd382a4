/** The fetch of the runtime with what the gateway needs of it, and nothing that it does silently. */
export type RawFetch = (url: string, init: RawFetchInit) => Promise<Response>;

export interface RawFetchInit {
  readonly method: string;
  readonly headers: Headers | Record<string, string>;
  readonly body?: BodyInit;
  readonly signal?: AbortSignal;
}

/**
 * Bun gives up on a quiet response after six minutes and follows proxy variables; the gateway has its own
 * timers, and a redirect could carry a key to another host. `timeout` and `proxy` are Bun's additions to the
 * standard; other runtimes ignore them.
 */
export const rawFetch: RawFetch = (url, init) =>
  fetch(url, { ...init, redirect: "manual", timeout: false } as RequestInit);
