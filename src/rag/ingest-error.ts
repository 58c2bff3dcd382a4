import { ApiError } from "../lib/api-error.ts";

/** Why a file cannot be added to a vector store. */
export class IngestError extends Error {
  override readonly name = "IngestError";
  readonly code: "unsupported_file" | "invalid_file" | "server_error";

  constructor(code: IngestError["code"], message: string) {
    super(message);
    this.code = code;
  }
}

export interface IngestFailure {
  /** OpenAI's `last_error.code`. */
  readonly code: IngestError["code"];
  readonly message: string;
  readonly mayRetry: boolean;
}

/** The file's own faults stay; those of models and engines may pass. */
export function whyItFailed(error: unknown): IngestFailure {
  if (error instanceof IngestError) return { code: error.code, message: error.message, mayRetry: false };
  if (error instanceof ApiError) {
    const mayRetry = error.status >= 500 || [408, 409, 429].includes(error.status);
    return { code: "server_error", message: error.message, mayRetry };
  }
  const { code, message = String(error) } = (error ?? {}) as {
    readonly code?: unknown;
    readonly message?: string;
  };
  if (code === "unsupported_file" || code === "invalid_file") return { code, message, mayRetry: false };
  // OpenAI's clients know no code of its own for it.
  if (code === "file_too_large") return { code: "invalid_file", message, mayRetry: false };
  return { code: "server_error", message, mayRetry: true };
}
