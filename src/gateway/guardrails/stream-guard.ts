import type { GuardedChannel } from "../../persona/guardrails/guarded-exchange.ts";

export type Loose = Readonly<Record<string, unknown>>;

/** Makes a channel for one text of an answer. */
export type OpenChannel = (kind: "text" | "arguments") => GuardedChannel;

/** Has the texts of a streamed answer pass through channels, in the protocol that the client speaks. */
export interface StreamGuard {
  /** @returns the events that go on in the place of this one. @throws {Blocked} */
  push(event: Loose): Promise<readonly Loose[]>;
  /** The events that end the answer as one that refuses. */
  refuse(message: string): readonly Loose[];
}

/** The channels of an answer by what they are the texts of. */
export class Channels {
  readonly #open: OpenChannel;
  readonly #channels = new Map<string, GuardedChannel>();

  constructor(open: OpenChannel) {
    this.#open = open;
  }

  push(key: string, kind: "text" | "arguments", text: string): string {
    let channel = this.#channels.get(key);
    if (channel === undefined) this.#channels.set(key, channel = this.#open(kind));
    return channel.push(text);
  }

  /** The rest of a text, whose channel is then gone. */
  async end(key: string): Promise<string> {
    const channel = this.#channels.get(key);
    this.#channels.delete(key);
    return await channel?.end() ?? "";
  }

  /** Keys that begin so, in the order in which they came. */
  keys(beginning: string): string[] {
    return [...this.#channels.keys()].filter((key) => key.startsWith(beginning));
  }
}

export function isLoose(value: unknown): value is Loose {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
