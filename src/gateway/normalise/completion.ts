import type { ApiError } from "../../lib/api-error.ts";
import { errorBody } from "../../lib/error-body.ts";
import type { StreamFrame } from "../../plugin/api/provider.ts";
import { UpstreamError } from "../../plugin/api/upstream-error.ts";
import type { Completion, CompletionChunk } from "../../schema/completion.ts";
import type { Usage } from "../../schema/chat-completion.ts";
import type { NormaliserOptions, StreamNormaliser } from "../operation.ts";
import { isError, isUnsigned } from "./loose-values.ts";
import { finishReason } from "./finish-reason.ts";
import { canonicalUsage, usageOfChunk } from "./usage.ts";

type Loose = Record<string, unknown>;

/** A whole text completion that keeps the protocol's rules. @throws {UpstreamError} `bad_response` */
export function normaliseCompletion(given: unknown, options: NormaliserOptions): Completion {
  const body = given as Loose | null;
  if (
    typeof body !== "object" || body === null || !Array.isArray(body.choices) || body.choices.length === 0
  ) {
    throw new UpstreamError({ kind: "bad_response", message: "The backend's answer has no choices." });
  }
  const { usage: rawUsage, error: _error, ...rest } = body;
  const usage = canonicalUsage(rawUsage);
  return {
    ...rest,
    ...head(body, options),
    choices: body.choices.map((choice, position) => {
      if (typeof choice === "object" && choice !== null) return normaliseChoice(choice, position, "stop");
      throw new UpstreamError({
        kind: "bad_response",
        message: "A choice of the backend's answer is nothing.",
      });
    }),
    ...(usage === undefined ? {} : { usage }),
  };
}

/** The pieces of a text completion; the same rules, in the shape of the whole. */
export class CompletionChunkNormaliser implements StreamNormaliser<CompletionChunk> {
  hasOutput = false;
  usage: Usage | undefined;
  outputCharacters = 0;
  readonly #options: NormaliserOptions;
  readonly #finished = new Map<number, boolean>();
  #head: ReturnType<typeof head> | undefined;

  constructor(options: NormaliserOptions) {
    this.#options = options;
  }

  push(frame: StreamFrame<CompletionChunk>, out: string[]): void {
    const given = frame.chunk as unknown as Loose;
    if (typeof given !== "object" || given === null) throw broken("a piece is no object");
    if (isError(given.error)) throw broken(JSON.stringify(given.error));
    const reported = usageOfChunk(given);
    if (reported !== undefined && reported !== null) this.usage = canonicalUsage(reported) ?? this.usage;
    const all = (Array.isArray(given.choices) ? given.choices : []) as unknown[];
    const open = all.filter((choice, position) => isOpenChoice(choice, position, this.#finished));
    if (open.length === 0) return;
    const sound = this.#isClean(given) && open.length === all.length && open.every(isCleanChoice);
    const choices = sound
      ? open as Completion["choices"]
      : open.map((choice, position) => normaliseChoice(choice, position, null));
    for (const { index, text, finish_reason: reason } of choices) {
      this.#finished.set(index, reason !== null);
      this.outputCharacters += text.length;
      if (text !== "" || reason !== null) this.hasOutput = true;
    }
    if (sound) {
      out.push(frame.text ?? JSON.stringify(given));
      return;
    }
    const { usage: _usage, error: _error, ...rest } = given;
    out.push(JSON.stringify({ ...rest, ...this.#head!, choices }));
  }

  /** Whether everything but the choices is as it must be; the first piece says what that is. */
  #isClean(chunk: Loose): boolean {
    this.#head ??= head(chunk, this.#options);
    const { id, object, created, model } = this.#head;
    return chunk.id === id && chunk.object === object && chunk.created === created && chunk.model === model &&
      chunk.error === undefined && (chunk.usage === undefined || chunk.usage === null);
  }

  finish(out: string[]): void {
    if (this.#finished.size === 0) throw broken("it ended without an answer");
    if ([...this.#finished.values()].includes(false)) throw broken("it ended in the middle of its answer");
    if (!this.#options.includeUsage || this.usage === undefined) return;
    out.push(JSON.stringify({ ...this.#head!, choices: [], usage: this.usage }));
  }

  /** Its first key is `error`: one client looks for nothing else (wire §1.3). */
  fail(error: ApiError): readonly string[] {
    return [JSON.stringify(errorBody(error))];
  }

  heartbeat(): string | undefined {
    const open = [...this.#finished].find(([, finished]) => !finished);
    if (open === undefined) return undefined;
    return JSON.stringify({
      ...this.#head!,
      choices: [{ index: open[0], text: "", logprobs: null, finish_reason: null }],
    });
  }
}

function isOpenChoice(
  choice: unknown,
  position: number,
  finished: ReadonlyMap<number, boolean>,
): choice is Loose {
  if (typeof choice !== "object" || choice === null) return false;
  const { index } = choice as Loose;
  return finished.get(typeof index === "number" ? index : position) !== true;
}

function isCleanChoice(choice: Loose): boolean {
  const { index, text, logprobs, finish_reason: reason } = choice;
  return typeof index === "number" && typeof text === "string" && logprobs !== undefined &&
    (reason === null || reason === "stop" || reason === "length" || reason === "content_filter");
}

function head(body: Loose, options: NormaliserOptions) {
  const named = (value: unknown, fallback: string) =>
    typeof value === "string" && value !== "" ? value : fallback;
  return {
    id: named(body.id, options.fallbackId),
    object: "text_completion" as const,
    created: isUnsigned(body.created) ? body.created : options.created,
    model: options.forcedModel ?? named(body.model, options.fallbackModel),
  };
}

function normaliseChoice(
  choice: Loose,
  position: number,
  fallbackReason: "stop" | null,
): Completion["choices"][number] {
  const reason = choice.finish_reason || fallbackReason;
  const mapped = reason === null ? null : finishReason(reason, false);
  return {
    ...choice,
    index: typeof choice.index === "number" ? choice.index : position,
    text: typeof choice.text === "string" ? choice.text : "",
    logprobs: (choice.logprobs as Loose | undefined) ?? null,
    finish_reason: mapped === "length" || mapped === "content_filter" || mapped === null ? mapped : "stop",
  };
}

function broken(what: string): UpstreamError {
  return new UpstreamError({ kind: "unavailable", message: `The backend broke off its answer: ${what}.` });
}
