import { ApiError } from "../lib/api-error.ts";

/** The client left, or what it sent stopped being HTTP: its fault, and nothing for the log of our own failures. */
export function brokenOff(error: unknown): never {
  if (error instanceof ApiError) throw error;
  throw new ApiError({
    status: 400,
    code: "incomplete_body",
    message: "The connection broke off before the body was complete.",
    cause: error,
  });
}

export function tooLarge(maxBytes: number): ApiError {
  return new ApiError({
    status: 413,
    code: "request_too_large",
    message: `The body is larger than ${maxBytes} bytes, the limit of this gateway (server.max_body_bytes).`,
  });
}
