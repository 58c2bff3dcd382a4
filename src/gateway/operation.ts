import type { ApiError } from "../lib/api-error.ts";
import type { CallContext, Provider, StreamFrame } from "../plugin/api/provider.ts";
import type { Usage } from "../schema/chat-completion.ts";
import type { OperationName } from "../router/contracts.ts";
import type { RequestBody } from "./request-body.ts";
import type { AnswerEditor } from "./stages/answer-editor.ts";
import type { PromptEditor } from "./stages/prompt-editor.ts";

/** What of a request the pipeline must know, whatever its endpoint. */
export interface RequestSummary {
  /** Estimated tokens of the prompt. */
  readonly promptTokens: number;
  /** The client's limit of the answer, when given. */
  readonly maxOutputTokens: number | undefined;
  /** Answers that are asked for at once; one when absent. */
  readonly choices?: number;
  readonly needsTools: boolean;
  readonly needsVision: boolean;
  readonly needsJsonSchema: boolean;
  readonly user: string | undefined;
}

/**
 * - `data`: `data: {json}` alone, and `data: [DONE]` at the end (wire §1.2)
 * - `named`: `event:` repeats the JSON's `type`, and the last event says itself that it is the last
 */
export type EventFraming = "data" | "named";

/** How the pieces of one answer are checked, and mended where they break the wire rules. One per attempt. */
export interface StreamNormaliser<Chunk> {
  /** Appends the JSON texts that the client gets for this frame: none, one or several. */
  push(frame: StreamFrame<Chunk>, out: string[]): void;
  /**
   * Appends what is still owed once the backend has ended.
   * @throws {UpstreamError} when the answer is not whole.
   */
  finish(out: string[]): void;
  /** A piece that says nothing and that every client accepts; undefined while none may be sent. */
  heartbeat(): string | undefined;
  /** What tells the client, in the middle of its answer, that there will be no more of it. */
  fail(error: ApiError): readonly string[];
  /** Whether anything of the answer itself has come: a token, a tool call, reasoning, or the end. */
  readonly hasOutput: boolean;
  readonly usage: Usage | undefined;
  /** Everything was said; only how much was used may still come. */
  readonly isFinished?: boolean;
  /** Characters of the answer so far, for an estimate where the backend gives no usage. */
  readonly outputCharacters: number;
}

export interface NormaliserOptions {
  /** The client asked for the usage chunk. */
  readonly includeUsage: boolean;
  /** Replaces the backend's `model` when given. */
  readonly forcedModel: string | undefined;
  /** Used where the backend leaves them out. */
  readonly fallbackId: string;
  readonly fallbackModel: string;
  /** Seconds since the epoch. */
  readonly created: number;
}

/** An answer in pieces, and what checks them. */
export interface OpenedStream<Chunk = unknown> {
  readonly frames: AsyncIterable<readonly StreamFrame<Chunk>[]>;
  readonly normaliser: StreamNormaliser<Chunk>;
  /** It goes to the client before its first output. */
  readonly hasBegun?: boolean | undefined;
}

/**
 * One endpoint as the pipeline sees it; everything that differs between them is here, also whether a provider speaks the endpoint's
 * protocol or is asked in another one.
 */
export interface Operation<Body extends RequestBody = RequestBody> {
  readonly name: OperationName;
  summarise(body: Body): RequestSummary;
  /** The prompt as one text; equal prefixes of conversations give equal prefixes of text. */
  prompt(body: Body): string;
  /** @throws {UpstreamError} as the provider does, and `bad_response` when its answer is beyond mending. */
  complete(
    provider: Provider,
    body: Body,
    context: CallContext,
    options: NormaliserOptions,
  ): Promise<NormalisedWhole>;
  /** Resolves when the backend has accepted the request. Absent: the endpoint has no streams. */
  stream?(
    provider: Provider,
    body: Body,
    context: CallContext,
    options: NormaliserOptions,
  ): Promise<OpenedStream>;
  /** The request with a limit of its answer's tokens, where it has none. Absent: the endpoint's answers have none or need none. */
  limitOutput?(body: Body, tokens: number): Body;
  /** By which stages read and change a request. Absent: there is nothing in it for stages. */
  editPrompt?(body: Body): PromptEditor<Body>;
  /** By which stages read and change a whole answer. */
  editAnswer?(body: unknown): AnswerEditor;
  /** Told of the answer that stages have put in the place of a whole one. */
  replaceAnswer?(body: unknown): void;
  /** A route may keep its answers and give them again: they depend on the request alone. */
  readonly isCacheable?: boolean;
  /** Backends take no money for it. */
  readonly isFree?: boolean;
  /** How pieces become server-sent events. Absent where there are no streams. */
  readonly framing?: EventFraming;
  /** The headers of a request that belong to its protocol. */
  protocolHeaders?(headers: Headers): Readonly<Record<string, string>>;
}

export interface NormalisedWhole {
  readonly body: unknown;
  /** The exact text of a faultless body that came in the client's own protocol. */
  readonly text?: string;
  readonly usage: Usage | undefined;
  readonly outputCharacters: number;
}
