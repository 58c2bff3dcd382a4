import { ApiError } from "../lib/api-error.ts";
import type { Exchange } from "./exchange.ts";

/** A request that is one of those that are counted. */
export interface Admission {
  /**
   * Lifts the connection's idle timeout until the end. Not to be called before the body is there: a client that stalls in the middle
   * of it is still to be cut off.
   */
  bodyIsRead(): void;
  /** The last byte of the answer is out. Safe to call more than once. */
  readonly done: () => void;
}

/**
 * Runs a request as one of those that are counted; a throw ends it.
 *
 * @throws {ApiError} 503 when there are already as many as may be.
 */
export async function admitted(
  { services, connection }: Exchange,
  work: (admission: Admission) => Promise<Response>,
): Promise<Response> {
  const leave = services.admit();
  if (leave === undefined) throw overloaded();
  let restoreTimeout: (() => void) | undefined;
  let ended = false;
  const done = () => {
    if (ended) return;
    ended = true;
    restoreTimeout?.();
    leave();
  };
  try {
    return await work({ done, bodyIsRead: () => void (restoreTimeout = connection.keepOpen()) });
  } catch (error) {
    done();
    throw error;
  }
}

function overloaded(): ApiError {
  return new ApiError({
    status: 503,
    code: "gateway_overloaded",
    message:
      "The gateway has as many requests in flight as it may (server.max_concurrent_requests). Try again shortly.",
    retryAfterMs: 1000,
  });
}
