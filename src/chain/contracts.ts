/** What chains need of their neighbours, and what they give. A chain knows neither HTTP nor providers. */
import type { ChatMessage } from "../schema/chat-completion.ts";

/** One question to a model. */
export interface ModelQuestion {
  readonly model: string;
  readonly messages: readonly ChatMessage[];
  readonly temperature: number | undefined;
  /** Most tokens of the answer. */
  readonly maxTokens: number | undefined;
  /** JSON schema of the answer, when it is to be JSON. */
  readonly schema: Readonly<Record<string, unknown>> | undefined;
}

/** What a call has used. */
export interface Spent {
  readonly tokens: number;
  readonly costUsd: number;
}

export interface ModelReply extends Spent {
  readonly text: string;
}

/** A passage that a search has found. */
export interface Passage {
  readonly text: string;
  readonly file_id: string;
  readonly filename: string;
  readonly score: number;
}

export interface Search {
  readonly vectorStores: readonly string[];
  readonly query: string;
  readonly maxResults: number;
}

export interface ToolCall {
  readonly url: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

/** The calls of one run, on behalf of one caller: everything that leaves a chain goes through them. */
export interface ChainCalls {
  /** @param onText told of the answer piece by piece, where somebody waits for it. */
  ask(question: ModelQuestion, signal: AbortSignal, onText?: (text: string) => void): Promise<ModelReply>;
  /** Absent: nothing can be searched here. */
  search?(search: Search, signal: AbortSignal): Promise<readonly Passage[]>;
  /** An HTTP call of a tool. */
  callTool(call: ToolCall, signal: AbortSignal): Promise<Response>;
}

/** What a run is given. */
export interface ChainInput {
  /** The input itself: a text, or what its schema says. */
  readonly value: unknown;
  /** The client's conversation, instructions left out. */
  readonly messages: readonly ChatMessage[];
  /** The client's instructions as one text. */
  readonly system: string;
}

/** What a run tells while it goes on. */
export type ChainEvent =
  | { readonly type: "step_started"; readonly step: string }
  | {
    readonly type: "step_finished";
    readonly step: string;
    readonly status: "ok" | "failed" | "skipped";
    readonly duration_ms: number;
  };

/** Why a run, or a step of it, has failed. */
export class ChainError extends Error {
  override readonly name = "ChainError";
  /** `invalid_input`, `invalid_output`, `limit`, `timeout`, `tool`, `expression`, `module`, `cancelled`. */
  readonly code: string;
  /** Another try may succeed. */
  readonly canRetry: boolean;

  constructor(
    code: string,
    message: string,
    options: { readonly canRetry?: boolean; readonly cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause });
    this.code = code;
    this.canRetry = options.canRetry ?? false;
  }
}
