import type { ApiError } from "../../lib/api-error.ts";
import { errorBody } from "../../lib/error-body.ts";
import type { StreamFrame } from "../../plugin/api/provider.ts";
import { UpstreamError } from "../../plugin/api/upstream-error.ts";
import type { ChatCompletionChunk, Usage } from "../../schema/chat-completion.ts";
import type { NormaliserOptions, StreamNormaliser } from "../operation.ts";
import { ChoiceState, type LooseCall } from "./choice-state.ts";
import { finishReason, isFinishReason } from "./finish-reason.ts";
import { annotationsAreClean, mendAnnotations } from "./annotations.ts";
import { isError, isPlainObject, isTextOrNothing, isUnsigned } from "./loose-values.ts";
import { bothSpellings, isServiceTier, splitContent } from "./message-content.ts";
import { logprobsAreClean, mendLogprobs } from "./token-probabilities.ts";
import { canonicalUsage, usageOfChunk } from "./usage.ts";

type Loose = Record<string, unknown>;

/** What a backend may send as a choice; nothing of it is certain. */
interface LooseChoice extends Loose {
  readonly index?: unknown;
  readonly delta?: Loose | null;
  readonly finish_reason?: unknown;
}

/**
 * Keeps the pieces of a chat answer to the rules that strict clients insist on (wire facts §1.2, §3.3 and §6). A piece that keeps
 * them all passes as the very text it came in; only a faulty one is written anew.
 */
export class ChatChunkNormaliser implements StreamNormaliser<ChatCompletionChunk> {
  hasOutput = false;
  usage: Usage | undefined;
  outputCharacters = 0;
  readonly #options: NormaliserOptions;
  readonly #choices = new Map<number, ChoiceState>();
  #id: string | undefined;
  #created: number | undefined;
  #model: string | undefined;
  /** The backend's own last chunk, kept because it must come after everything else. */
  #usageText: string | undefined;

  constructor(options: NormaliserOptions) {
    this.#options = options;
  }

  push(frame: StreamFrame<ChatCompletionChunk>, out: string[]): void {
    const sound = this.check(frame);
    if (sound !== undefined) out.push(sound.text ?? JSON.stringify(sound.chunk));
  }

  /** The piece as it may go on, for whoever makes something else of it; undefined when nothing of it is left to say. */
  check(frame: StreamFrame<ChatCompletionChunk>): StreamFrame<ChatCompletionChunk> | undefined {
    const chunk = frame.chunk as unknown as Loose;
    if (typeof chunk !== "object" || chunk === null) throw garbage("a piece is no object");
    if (isError(chunk.error)) throw broken(chunk.error);
    const reported = usageOfChunk(chunk);
    if (reported !== undefined && reported !== null) this.usage = canonicalUsage(reported) ?? this.usage;
    const choices = Array.isArray(chunk.choices) ? chunk.choices as LooseChoice[] : [];
    const sound = this.#headIsClean(chunk);
    if (choices.length === 0) {
      // Filter results, keep-alives and the usage of a stream: nothing of them is a piece of the answer.
      if (sound && frame.text !== undefined && this.usage === chunk.usage) this.#usageText = frame.text;
      return undefined;
    }
    const carriesUsage = chunk.usage !== undefined && chunk.usage !== null;
    if (sound && !carriesUsage && choices.every((choice) => this.#choiceIsClean(choice))) {
      for (const choice of choices) this.#note(choice);
      return frame;
    }
    const mended = choices.map((choice, position) => this.#mend(choice, position)).filter((choice) =>
      choice !== undefined
    );
    return mended.length === 0
      ? undefined
      : { chunk: this.#withHead(chunk, mended) as unknown as ChatCompletionChunk };
  }

  get isFinished(): boolean {
    return this.#choices.size > 0 &&
      [...this.#choices.values()].every(({ finished }) => finished !== undefined);
  }

  finish(out: string[]): void {
    this.checkEnd();
    if (!this.#options.includeUsage || this.usage === undefined) return;
    out.push(this.#usageText ?? JSON.stringify({ ...this.#head({}), choices: [], usage: this.usage }));
  }

  /** @throws {UpstreamError} when the answer is not whole. */
  checkEnd(): void {
    if (this.#choices.size === 0) throw broken("it ended without an answer");
    for (const state of this.#choices.values()) {
      if (state.finished === undefined) throw broken("it ended in the middle of its answer");
    }
  }

  /** Its first key is `error`: one client looks for nothing else (wire §1.3). */
  fail(error: ApiError): readonly string[] {
    return [JSON.stringify(errorBody(error))];
  }

  heartbeat(): string | undefined {
    const open = [...this.#choices].find(([, state]) => state.roleSent && state.finished === undefined);
    if (open === undefined) return undefined;
    return JSON.stringify({
      ...this.#head({}),
      choices: [{ index: open[0], delta: {}, finish_reason: null }],
    });
  }

  #headIsClean(chunk: Loose): boolean {
    const { id, created, model, object } = chunk;
    if (
      object !== "chat.completion.chunk" || chunk.error !== undefined || !isServiceTier(chunk.service_tier) ||
      !isTextOrNothing(chunk.system_fingerprint)
    ) {
      return false;
    }
    if (this.#id === undefined) {
      if (
        typeof id !== "string" || id === "" || !isUnsigned(created) || typeof model !== "string" ||
        model === ""
      ) return false;
      if (this.#options.forcedModel !== undefined && model !== this.#options.forcedModel) return false;
      this.#id = id;
      this.#created = created;
      this.#model = model;
      return Array.isArray(chunk.choices);
    }
    return id === this.#id && created === this.#created && model === this.#model &&
      Array.isArray(chunk.choices);
  }

  #choiceIsClean(choice: LooseChoice): boolean {
    if (typeof choice !== "object" || choice === null) return false;
    const { index, delta, finish_reason: reason } = choice;
    if (!isUnsigned(index) || !isPlainObject(delta) || choice.message !== undefined) return false;
    const state = this.#choices.get(index);
    if (state === undefined || !state.roleSent ? delta.role !== "assistant" : "role" in delta) return false;
    if (state?.finished !== undefined || state?.characters.waiting) return false;
    const { content, reasoning_content: thought, tool_calls: calls } = delta;
    if (!isWholeText(content) || !isWholeText(thought) || !isWholeText(delta.refusal)) return false;
    if (!logprobsAreClean(choice.logprobs) || !annotationsAreClean(delta.annotations)) return false;
    if ((thought ?? undefined) !== (delta.reasoning ?? undefined)) return false;
    if (
      calls !== undefined &&
      !(Array.isArray(calls) && (state ?? new ChoiceState()).callsAreClean(calls as LooseCall[]))
    ) return false;
    if (reason === null) return true;
    const calling = (state?.sawToolCall ?? false) || calls !== undefined;
    return isFinishReason(reason) && (calling || reason !== "tool_calls") &&
      !(calling && (reason === "stop" || calls !== undefined || state!.withoutArguments.length > 0));
  }

  #note(choice: LooseChoice): void {
    const delta = choice.delta!;
    const state = this.#state(choice.index as number);
    state.roleSent = true;
    if (delta.tool_calls !== undefined) state.noteCalls(delta.tool_calls as LooseCall[]);
    if (choice.finish_reason !== null) state.finished = choice.finish_reason as ChoiceState["finished"];
    this.#observe(delta, choice.finish_reason, state);
  }

  /** The choice as it should have been; undefined when nothing of it is left to say. */
  #mend(choice: LooseChoice, position: number): Loose | undefined {
    if (typeof choice !== "object" || choice === null) return undefined;
    const index = isUnsigned(choice.index) ? choice.index : position;
    const state = this.#state(index);
    if (state.finished !== undefined) return undefined;
    const { delta: given, message, finish_reason: reason, index: _index, error, ...rest } = choice;
    if (isError(error)) throw broken(error);
    if (!logprobsAreClean(rest.logprobs)) rest.logprobs = mendLogprobs(rest.logprobs);
    const piece = isPlainObject(given) ? given : {};
    // Some backends send a whole answer as the only piece; others send it again after the pieces.
    const whole = isPlainObject(message) && !state.hasSpoken ? { ...asDelta(message), ...piece } : piece;
    const delta = this.#mendDelta(whole, state, index);
    const ends = reason !== undefined && reason !== null && reason !== "";
    if (ends) {
      state.finished = finishReason(reason, state.sawToolCall);
      const [content, thought] = [state.characters.rest("content"), state.characters.rest("reasoning")];
      if (content !== "") delta.content = (text(delta.content) ?? "") + content;
      if (thought !== "") Object.assign(delta, bothSpellings((text(delta.reasoning) ?? "") + thought));
      const empty = state.withoutArguments.map((call) => {
        call.hasArguments = true;
        return { index: call.index, function: { arguments: "{}" } };
      });
      if (empty.length > 0) {
        delta.tool_calls = joinCalls((delta.tool_calls as Loose[] | undefined) ?? [], empty);
      }
    }
    this.#observe(delta, ends ? reason : null, state);
    if (!ends && Object.keys(delta).length === 0) return undefined;
    return { ...rest, index, delta, finish_reason: state.finished ?? null };
  }

  #mendDelta(given: Loose, state: ChoiceState, index: number): Loose {
    const {
      role: _role,
      content: rawContent,
      reasoning,
      reasoning_content: reasoningContent,
      tool_calls: calls,
      refusal,
      annotations,
      ...rest
    } = given;
    const { content: said, thinking } = splitContent(rawContent);
    const content = said === null ? null : state.characters.whole("content", said);
    const thoughts = thinking ?? text(reasoningContent) ?? text(reasoning);
    const thought = thoughts === undefined ? undefined : state.characters.whole("reasoning", thoughts);
    const delta: Loose = {};
    if (!state.roleSent) {
      state.roleSent = true;
      delta.role = "assistant";
      delta.content = content ?? (calls === undefined && thought === undefined ? "" : null);
    } else if (rawContent !== undefined && content !== null) delta.content = content;
    Object.assign(delta, rest, bothSpellings(thought));
    if (isTextOrNothing(refusal) && refusal !== undefined) delta.refusal = refusal && refusal.toWellFormed();
    if (annotations !== undefined && annotations !== null) delta.annotations = mendAnnotations(annotations);
    if (Array.isArray(calls)) {
      const mended = state.mendCalls(
        calls,
        (call) => `call_${this.#head({}).id}_${index}_${call}`.replace(/[^\w-]/g, ""),
      );
      if (mended.length > 0) delta.tool_calls = mended;
    }
    return delta;
  }

  #observe(delta: Loose, reason: unknown, state: ChoiceState): void {
    const { content, tool_calls: calls, reasoning_content: thought, refusal } = delta;
    let characters = 0;
    if (typeof content === "string") characters += content.length;
    if (typeof thought === "string") characters += thought.length;
    if (typeof refusal === "string") characters += refusal.length;
    if (Array.isArray(calls)) {
      this.hasOutput = true;
      for (const call of calls as LooseCall[]) {
        const { name, arguments: text } = call.function ?? {};
        characters += (typeof text === "string" ? text.length : 0) +
          (typeof name === "string" ? name.length : 0);
      }
    }
    if (
      characters > 0 || (reason !== null && reason !== undefined) || delta.audio !== undefined ||
      delta.function_call !== undefined
    ) {
      this.hasOutput = true;
    }
    state.hasSpoken ||= characters > 0;
    this.outputCharacters += characters;
  }

  #state(index: number): ChoiceState {
    let state = this.#choices.get(index);
    if (state === undefined) this.#choices.set(index, state = new ChoiceState());
    return state;
  }

  #head(chunk: Loose): { id: string; object: string; created: number; model: string } {
    const { fallbackId, created, fallbackModel, forcedModel } = this.#options;
    this.#id ??= text(chunk.id) || fallbackId;
    this.#created ??= isUnsigned(chunk.created) ? chunk.created : created;
    this.#model ??= forcedModel ?? (text(chunk.model) || fallbackModel);
    return { id: this.#id, object: "chat.completion.chunk", created: this.#created, model: this.#model };
  }

  #withHead(chunk: Loose, choices: readonly Loose[]): Loose {
    const {
      id: _id,
      object: _object,
      created: _created,
      model: _model,
      usage: _usage,
      error: _error,
      ...rest
    } = chunk;
    if (!isServiceTier(rest.service_tier)) delete rest.service_tier;
    if (!isTextOrNothing(rest.system_fingerprint)) delete rest.system_fingerprint;
    return { ...this.#head(chunk), ...rest, choices };
  }
}

/** The arguments that a call lacks may belong to a call that begins in the same piece. */
function joinCalls(
  calls: readonly Loose[],
  empty: readonly { index: number; function: { arguments: string } }[],
): Loose[] {
  const joined = calls.map((call) => {
    const lacking = empty.find(({ index }) => index === call.index);
    return lacking === undefined
      ? call
      : { ...call, function: { ...(call.function as Loose), arguments: "{}" } };
  });
  return [...joined, ...empty.filter(({ index }) => !calls.some((call) => call.index === index))];
}

/** A whole message as if it were a piece: its calls stand in their order. */
function asDelta(message: Loose): Loose {
  const { tool_calls: calls, ...rest } = message;
  if (!Array.isArray(calls)) return rest;
  return { ...rest, tool_calls: calls.map((call, index) => isPlainObject(call) ? { index, ...call } : call) };
}

function isWholeText(value: unknown): boolean {
  return typeof value === "string" ? value.isWellFormed() : value === undefined || value === null;
}

function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function garbage(what: string): UpstreamError {
  return new UpstreamError({
    kind: "bad_response",
    message: `The backend's stream makes no sense: ${what}.`,
  });
}

function broken(error: unknown): UpstreamError {
  const message = typeof error === "string" ? error : (error as { readonly message?: unknown }).message;
  return new UpstreamError({
    kind: "unavailable",
    message: `The backend broke off its answer: ${String(message ?? "no reason given")}.`.replace(
      /\.\.$/,
      ".",
    ),
  });
}
