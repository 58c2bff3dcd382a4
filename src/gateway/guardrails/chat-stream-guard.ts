import { Channels, isLoose, type Loose, type OpenChannel, type StreamGuard } from "./stream-guard.ts";

/** Texts of a delta that are guarded, beside those of calls. */
const textFields = ["content", "refusal", "reasoning_content", "reasoning"] as const;

/** Guards the pieces of a chat completion, or (`text` in the place of deltas) of a completion. */
export class ChatStreamGuard implements StreamGuard {
  readonly #channels: Channels;
  #head: Loose = {};
  /** Choices that have begun and not ended. */
  readonly #open = new Set<number>();

  constructor(open: OpenChannel) {
    this.#channels = new Channels(open);
  }

  async push(event: Loose): Promise<readonly Loose[]> {
    const { choices } = event;
    if (!Array.isArray(choices) || choices.length === 0) return [event];
    const { choices: _choices, usage: _usage, ...head } = event;
    this.#head = head;
    const before: Loose[] = [];
    const kept: Loose[] = [];
    for (const choice of choices as Loose[]) {
      const index = Number(choice.index ?? 0);
      this.#open.add(index);
      let changed = this.#change(choice, index);
      if (isEnd(choice)) {
        // What the last piece says comes before what was held back, and the end behind both.
        const { finish_reason: _end, ...said } = changed!;
        before.push(this.#piece({ ...said, finish_reason: null }), ...await this.#rest(index, `${index}:`));
        changed = "text" in choice ? { ...choice, text: "" } : { ...choice, delta: {} };
        this.#open.delete(index);
      } else if (isLoose(choice.delta) && choice.delta.tool_calls !== undefined) {
        // What was said before a call is complete when the call begins.
        for (const field of textFields) before.push(...await this.#rest(index, `${index}:${field}`));
      }
      if (changed !== undefined) kept.push(changed);
    }
    const isWorth = kept.length > 0 || (event.usage !== undefined && event.usage !== null);
    return isWorth ? [...before, { ...event, choices: kept }] : before;
  }

  refuse(refusal: string): readonly Loose[] {
    const open = this.#open.size === 0 ? [0] : [...this.#open];
    return open.flatMap((index) => {
      const said = this.#isCompletion ? { text: refusal } : { delta: { refusal } };
      const end = this.#isCompletion ? { text: "" } : { delta: {} };
      return [
        this.#piece({ index, ...said, finish_reason: null, logprobs: null }),
        this.#piece({ index, ...end, finish_reason: "content_filter", logprobs: null }),
      ];
    });
  }

  get #isCompletion(): boolean {
    return this.#head.object === "text_completion";
  }

  /** @returns undefined for a choice that has nothing to say by now. */
  #change(choice: Loose, index: number): Loose | undefined {
    if (typeof choice.text === "string") {
      const text = this.#channels.push(`${index}:text`, "text", choice.text);
      return text === "" && !isEnd(choice) ? undefined : { ...choice, text };
    }
    if (!isLoose(choice.delta)) return choice;
    const delta: Record<string, unknown> = { ...choice.delta };
    for (const field of textFields) {
      const text = delta[field];
      if (typeof text !== "string" || text === "") continue;
      const allowed = this.#channels.push(`${index}:${field}`, "text", text);
      // Probabilities are those of tokens that may have been changed.
      if (allowed === "") delete delta[field];
      else delta[field] = allowed;
    }
    if (Array.isArray(delta.tool_calls)) {
      delta.tool_calls = (delta.tool_calls as Loose[]).map((call, position) =>
        this.#changeCall(call, index, position)
      );
    }
    const isEmpty = Object.keys(delta).length === 0 && !isEnd(choice);
    return isEmpty ? undefined : { ...choice, delta };
  }

  /** Arguments are of use only when they are complete: they come in one piece, at the end. */
  #changeCall(call: Loose, index: number, position: number): Loose {
    if (!isLoose(call.function) || typeof call.function.arguments !== "string") return call;
    this.#channels.push(`${index}:call:${call.index ?? position}`, "arguments", call.function.arguments);
    return { ...call, function: { ...call.function, arguments: "" } };
  }

  /** Pieces with the rest of what the channels of a choice have held back. */
  async #rest(index: number, beginning: string): Promise<Loose[]> {
    const pieces: Loose[] = [];
    for (const key of this.#channels.keys(beginning)) {
      const text = await this.#channels.end(key);
      if (text === "") continue;
      const [, field = "", call] = key.split(":");
      const said = field === "text" ? { text } : {
        delta: field === "call"
          ? { tool_calls: [{ index: Number(call), function: { arguments: text } }] }
          : { [field]: text },
      };
      pieces.push(this.#piece({ index, ...said, finish_reason: null, logprobs: null }));
    }
    return pieces;
  }

  #piece(choice: Loose): Loose {
    return { ...this.#head, choices: [choice] };
  }
}

function isEnd({ finish_reason: reason }: Loose): boolean {
  return typeof reason === "string";
}
