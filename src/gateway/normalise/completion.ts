import type { StreamFrame } from "../../plugin/api/provider.ts";
import { UpstreamError } from "../../plugin/api/upstream-error.ts";
import type { Completion, CompletionChunk } from "../../schema/completion.ts";
import type { Usage } from "../../schema/chat-completion.ts";
import type { NormaliserOptions, StreamNormaliser } from "../operation.ts";
import { isTime } from "./loose-values.ts";
import { finishReason } from "./finish-reason.ts";
import { canonicalUsage } from "./usage.ts";

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
    choices: body.choices.map((choice, position) => normaliseChoice(choice as Loose, position, "stop")),
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

  push({ chunk }: StreamFrame<CompletionChunk>, out: string[]): void {
    const given = chunk as unknown as Loose;
    if (typeof given !== "object" || given === null) throw broken("a piece is no object");
    if (given.error !== undefined && given.error !== null) throw broken(JSON.stringify(given.error));
    if (given.usage !== undefined && given.usage !== null) {
      this.usage = canonicalUsage(given.usage) ?? this.usage;
    }
    const choices = (Array.isArray(given.choices) ? given.choices : [])
      .map((choice, position) => normaliseChoice(choice as Loose, position, null))
      .filter((choice) => this.#finished.get(choice.index) !== true);
    if (choices.length === 0) return;
    for (const { index, text, finish_reason: reason } of choices) {
      this.#finished.set(index, reason !== null);
      this.outputCharacters += text.length;
      if (text !== "" || reason !== null) this.hasOutput = true;
    }
    const { usage: _usage, error: _error, ...rest } = given;
    this.#head ??= head(given, this.#options);
    out.push(JSON.stringify({ ...rest, ...this.#head, choices }));
  }

  finish(out: string[]): void {
    if (this.#finished.size === 0) throw broken("it ended without an answer");
    if ([...this.#finished.values()].includes(false)) throw broken("it ended in the middle of its answer");
    if (!this.#options.includeUsage || this.usage === undefined) return;
    out.push(JSON.stringify({ ...this.#head!, choices: [], usage: this.usage }));
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

function head(body: Loose, options: NormaliserOptions) {
  const named = (value: unknown, fallback: string) =>
    typeof value === "string" && value !== "" ? value : fallback;
  return {
    id: named(body.id, options.fallbackId),
    object: "text_completion" as const,
    created: isTime(body.created) ? body.created : options.created,
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
