import { ApiError } from "../../lib/api-error.ts";
import type { Clock } from "../../lib/clock.ts";
import { parseJson } from "../../lib/lossless-json.ts";
import { Blocked, GuardedExchange, type GuardrailRule } from "../../persona/guardrails/guarded-exchange.ts";
import type { GuardrailQuestion } from "../../plugin/api/guardrail.ts";
import type { OperationName } from "../../router/contracts.ts";
import type { AnswerEditor } from "../stages/answer-editor.ts";
import type { EditableText } from "../stages/prompt-editor.ts";
import type { AnswerStage, Exchange, Stage } from "../stages/stage.ts";
import { ChatStreamGuard } from "./chat-stream-guard.ts";
import { MessagesStreamGuard } from "./messages-stream-guard.ts";
import { ResponsesStreamGuard } from "./responses-stream-guard.ts";
import { isLoose, type Loose, type OpenChannel, type StreamGuard } from "./stream-guard.ts";

export interface GuardrailWorld {
  readonly clock: Clock;
  /** The rules of a request; asked of every one. */
  rulesOf(exchange: Exchange): readonly GuardrailRule[];
  /** Asks a model on behalf of the caller, without guardrails. */
  ask(exchange: Exchange, question: GuardrailQuestion, signal: AbortSignal): Promise<string>;
}

const streamGuards: Readonly<Partial<Record<OperationName, new (open: OpenChannel) => StreamGuard>>> = {
  chat: ChatStreamGuard,
  completions: ChatStreamGuard,
  messages: MessagesStreamGuard,
  responses: ResponsesStreamGuard,
};

/** Holds requests and their answers against the rules that are theirs. */
export function guardrailStage(world: GuardrailWorld): Stage {
  return {
    name: "guardrails",
    concerns: (exchange) => world.rulesOf(exchange).length > 0,
    async begin(exchange) {
      const guarded = new GuardedExchange(world.rulesOf(exchange), {
        clock: world.clock,
        signal: exchange.signal,
        responseSchema: responseSchema(exchange.prompt.body),
        ask: (question, signal) => world.ask(exchange, question, signal),
        onVerdict({ rule, direction, verdict, reason }) {
          const action = rule.mode === "shadow" ? `${verdict} (shadow)` : verdict;
          exchange.note({ stage: "guardrail", name: rule.name, action, detail: `${direction}: ${reason}` });
        },
      });
      try {
        await guardPrompt(guarded, exchange);
      } catch (error) {
        if (!(error instanceof Blocked)) throw error;
        if (error.rule.on_block === "error") throw blockedError(error);
        exchange.answer(error.rule.message);
        return;
      }
      return guarded.guardsOutput ? new GuardedAnswer(guarded, exchange.operation) : undefined;
    },
  };
}

async function guardPrompt(guarded: GuardedExchange, { prompt, ownTexts }: Exchange): Promise<void> {
  const texts = prompt.texts();
  const lastAnswer = texts.findLastIndex(({ role }) => role === "assistant");
  const changed = new Map<string, string>();
  for (const [index, given] of texts.entries()) {
    const isNew = index > lastAnswer && given.role !== "system";
    const parts = withoutOwn(given.text, ownTexts);
    const guardedParts: string[] = [];
    for (const { text, isOwn } of parts) {
      guardedParts.push(
        isOwn || text === ""
          ? text
          : await guarded.guard({ ...guardedText(given), text, direction: "input" }, isNew),
      );
    }
    const text = guardedParts.join("");
    if (text !== given.text) changed.set(given.path, text);
  }
  if (changed.size > 0) prompt.mapTexts(({ path, text }) => changed.get(path) ?? text);
}

/** What the gateway itself has put into a text is nobody's to be held against rules. */
function withoutOwn(
  text: string,
  ownTexts: ReadonlySet<string>,
): { readonly text: string; readonly isOwn: boolean }[] {
  for (const own of ownTexts) {
    const at = own === "" ? -1 : text.indexOf(own);
    if (at < 0) continue;
    return [
      { text: text.slice(0, at), isOwn: false },
      { text: own, isOwn: true },
      { text: text.slice(at + own.length), isOwn: false },
    ];
  }
  return [{ text, isOwn: false }];
}

function guardedText({ role, kind }: EditableText) {
  return { role, kind };
}

/** The answer's side of it. */
class GuardedAnswer implements AnswerStage {
  readonly #guarded: GuardedExchange;
  readonly #operation: OperationName;

  constructor(guarded: GuardedExchange, operation: OperationName) {
    this.#guarded = guarded;
    this.#operation = operation;
  }

  async answer(answer: AnswerEditor): Promise<void> {
    try {
      const changed = new Map<string, string>();
      for (const given of answer.texts()) {
        const text = await this.#guarded.guard({
          ...guardedText(given),
          text: given.text,
          direction: "output",
        });
        if (text !== given.text) changed.set(given.path, text);
      }
      if (changed.size > 0) answer.mapTexts(({ path, text }) => changed.get(path) ?? text);
    } catch (error) {
      if (!(error instanceof Blocked)) throw error;
      if (error.rule.on_block === "error") throw blockedError(error);
      answer.refuse(error.rule.message);
    }
  }

  async *stream(pieces: AsyncIterable<readonly string[]>): AsyncGenerator<readonly string[]> {
    const Guard = streamGuards[this.#operation];
    if (Guard === undefined) return yield* pieces;
    const guard = new Guard((kind) => this.#guarded.channel(kind));
    for await (const texts of pieces) {
      const out: string[] = [];
      try {
        for (const text of texts) {
          const event = parseJson(text);
          if (!isLoose(event)) out.push(text);
          else out.push(...(await guard.push(event)).map(toText));
        }
      } catch (error) {
        if (!(error instanceof Blocked)) throw error;
        if (error.rule.on_block === "error") {
          if (out.length > 0) yield out;
          throw blockedError(error);
        }
        yield [...out, ...guard.refuse(error.rule.message).map(toText)];
        return;
      }
      yield out;
    }
  }
}

function toText(event: Loose): string {
  return JSON.stringify(event);
}

function blockedError({ rule }: Blocked): ApiError {
  return new ApiError({ status: 400, code: "content_blocked", message: rule.message, shouldRetry: false });
}

/** The schema that the client wants the answer to fit, in whichever protocol it says so. */
function responseSchema(body: Loose): Loose | undefined {
  const format = isLoose(body.response_format)
    ? body.response_format.json_schema
    : isLoose(body.text)
    ? body.text.format
    : isLoose(body.output_config)
    ? body.output_config.format
    : body.output_format;
  return isLoose(format) && isLoose(format.schema) ? format.schema : undefined;
}
