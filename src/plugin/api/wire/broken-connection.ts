import { UpstreamError } from "../upstream-error.ts";

/** A body that ended before its end. The runtime's own words are for its developers; its code says it. */
export function brokenConnection(error: unknown): UpstreamError {
  const code = (error as { readonly code?: unknown } | null)?.code;
  const reason = typeof code === "string" ? code : error instanceof Error ? error.message : String(error);
  return new UpstreamError({
    kind: "unavailable",
    message: `The connection to the backend broke: ${reason}`,
    ownWords: true,
    cause: error,
  });
}
