import { ApiError } from "../../lib/api-error.ts";
import type { RequestBody } from "../request-body.ts";

/** What a request says of what is to be remembered. */
export interface MemoryRequest {
  /** The conversation that it belongs to. */
  readonly conversation: string | undefined;
  /** Whose facts count. Never guessed: two users of one key must not see each other's. */
  readonly user: string | undefined;
  /** `read`: what is said is not remembered; `off`: nor is anything recalled. */
  readonly mode: "on" | "read" | "off";
}

const headerNames = {
  conversation: "x-intellirouter-conversation",
  user: "x-intellirouter-user",
  mode: "x-intellirouter-memory",
} as const;

const modes = ["on", "read", "off"] as const;

/** Reads headers first, then what the protocol itself has for it. Never throws. */
export function memoryRequest(headers: Headers, body: RequestBody): MemoryRequest {
  const metadata = (body.metadata ?? {}) as Readonly<Record<string, unknown>>;
  const asked = headers.get(headerNames.mode);
  return {
    conversation: headers.get(headerNames.conversation) ?? namedConversation(body.conversation) ??
      text(metadata.conversation_id),
    user: headers.get(headerNames.user) ?? text(metadata.user_id) ?? text(body.user) ??
      text(body.safety_identifier),
    mode: modes.find((mode) => mode === asked) ?? "on",
  };
}

/** The `conversation` of a request in the Responses protocol: an id, or an object that has one. */
export function namedConversation(value: unknown): string | undefined {
  if (typeof value === "object" && value !== null) return text((value as { readonly id?: unknown }).id);
  return text(value);
}

/** @throws {ApiError} 400 for a name that cannot be kept or printed. */
export function checkNames({ conversation, user }: MemoryRequest): void {
  for (const [name, value, most] of [["conversation", conversation, 128], ["user", user, 256]] as const) {
    if (
      value === undefined || (value.length <= most && value.isWellFormed() && /^[^\p{Cc}]+$/u.test(value))
    ) {
      continue;
    }
    throw new ApiError({
      status: 400,
      code: "invalid_value",
      param: name,
      message: `The name of the ${name} must have at most ${most} characters, and no control characters.`,
    });
  }
}

export function conversationNotFound(id: string): ApiError {
  return new ApiError({
    status: 404,
    code: "conversation_not_found",
    message: `Conversation with id '${id.slice(0, 128)}' not found.`,
  });
}

export function memoryUnavailable(cause: unknown): ApiError {
  return new ApiError({
    status: 503,
    code: "memory_unavailable",
    message: "The memory cannot be read at the moment. Try again shortly.",
    retryAfterMs: 1_000,
    cause,
  });
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
