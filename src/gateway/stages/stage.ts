import type { Principal } from "../../auth/principal.ts";
import type { Resolution } from "../../router/contracts.ts";
import type { OperationName } from "../../router/contracts.ts";
import type { Decision } from "../../schema/decision.ts";
import type { AnswerEditor } from "./answer-editor.ts";
import type { PromptEditor } from "./prompt-editor.ts";

/** One request as stages see it, whatever protocol it came in. */
export interface Exchange {
  readonly operation: OperationName;
  /** The name that the client asked for. */
  readonly model: string;
  readonly stream: boolean;
  readonly headers: Headers;
  readonly principal: Principal;
  readonly requestId: string;
  /** Names the decision record of the request. */
  readonly decisionId: string;
  /** How many calls of the gateway's own this one stands in; 0 for a client's. */
  readonly depth: number;
  /** Aborts when the client has left. */
  readonly signal: AbortSignal;
  readonly resolution: Resolution;
  /** The request's text as the client wrote it; undefined where it came in another way. */
  readonly written: string | undefined;
  /** Texts that the gateway itself has put into the request, such as a persona's. */
  readonly ownTexts: Set<string>;
  /** The request as it will be sent, for reading and changing. */
  readonly prompt: PromptEditor;
  /** Gives the client this answer, as a refusal, and asks no model. */
  answer(refusal: string): void;
  /** Where answers are kept: this one is kept of a stream whose pieces a stage has changed. In the client's own protocol. */
  keepAnswer(body: unknown): void;
  /** For the decision record: what a stage did, in a few words and without the client's text. */
  note(note: StageNote): void;
}

/** An entry of a decision record's `stages`. */
export type StageNote = NonNullable<Decision["stages"]>[number];

/**
 * Something that happens to requests between their resolution and their targets, and to the answers on their way back.
 *
 * Stages see a request in their order and its answer in the reverse order.
 */
export interface Stage {
  readonly name: string;
  /** Whether the request concerns the stage at all. Asked of every request, so it must be quick, and must not throw. */
  concerns(exchange: Exchange): boolean;
  /**
   * Changes the request through `exchange.prompt`, or refuses it.
   *
   * @returns what is to happen to the answer; nothing when nothing is.
   * @throws {ApiError} when the request is refused.
   */
  begin(exchange: Exchange): Promise<AnswerStage | void> | AnswerStage | void;
}

/** A stage's part in the answer to one request. */
export interface AnswerStage {
  /**
   * Changes a whole answer before the client gets it.
   *
   * @throws {ApiError} when the client gets none.
   */
  answer?(answer: AnswerEditor): Promise<void> | void;
  /**
   * Changes the pieces of an answer: gets the JSON texts of events in the client's own protocol, gives such texts. May hold pieces
   * back and wait. What it throws ends the answer, as a failing backend would; its `return` ends the backend's answer.
   * Made anew for every attempt; pieces that say nothing may come before the attempt has succeeded.
   */
  stream?(pieces: AsyncIterable<readonly string[]>): AsyncIterable<readonly string[]>;
  /** The request has ended; told exactly once, after the last byte. Must neither throw nor wait. */
  end?(outcome: Decision["outcome"]): void;
}
