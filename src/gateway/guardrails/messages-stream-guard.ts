import { Channels, isLoose, type Loose, type OpenChannel, type StreamGuard } from "./stream-guard.ts";

/** Guards the events of a message. Thinking is signed by whoever has thought it, and passes as it is. */
export class MessagesStreamGuard implements StreamGuard {
  readonly #channels: Channels;
  #next = 0;
  #openBlock: number | undefined;
  #usage: Loose = { output_tokens: 0 };

  constructor(open: OpenChannel) {
    this.#channels = new Channels(open);
  }

  async push(event: Loose): Promise<readonly Loose[]> {
    const index = Number(event.index ?? 0);
    switch (event.type) {
      case "content_block_start":
        this.#openBlock = index;
        this.#next = index + 1;
        return [this.#started(event, index)];
      case "content_block_delta":
        return this.#delta(event, index);
      case "content_block_stop": {
        const rest = await this.#rest(index);
        this.#openBlock = undefined;
        return [...rest, event];
      }
      case "message_delta":
        if (isLoose(event.usage)) this.#usage = event.usage;
        return [event];
      default:
        return [event];
    }
  }

  refuse(text: string): readonly Loose[] {
    const index = this.#next;
    return [
      ...(this.#openBlock === undefined ? [] : [{ type: "content_block_stop", index: this.#openBlock }]),
      { type: "content_block_start", index, content_block: { type: "text", text: "" } },
      { type: "content_block_delta", index, delta: { type: "text_delta", text } },
      { type: "content_block_stop", index },
      { type: "message_delta", delta: { stop_reason: "refusal", stop_sequence: null }, usage: this.#usage },
      { type: "message_stop" },
    ];
  }

  /** A block may begin with text already. */
  #started(event: Loose, index: number): Loose {
    const { content_block: block } = event;
    if (!isLoose(block) || block.type !== "text" || typeof block.text !== "string" || block.text === "") {
      return event;
    }
    return {
      ...event,
      content_block: { ...block, text: this.#channels.push(`${index}:text`, "text", block.text) },
    };
  }

  #delta(event: Loose, index: number): Loose[] {
    const delta = event.delta as Loose;
    if (delta.type === "text_delta" && typeof delta.text === "string") {
      const text = this.#channels.push(`${index}:text`, "text", delta.text);
      return text === "" ? [] : [{ ...event, delta: { ...delta, text } }];
    }
    if (delta.type === "input_json_delta" && typeof delta.partial_json === "string") {
      this.#channels.push(`${index}:input`, "arguments", delta.partial_json);
      return [];
    }
    return [event];
  }

  async #rest(index: number): Promise<Loose[]> {
    const text = await this.#channels.end(`${index}:text`);
    const json = await this.#channels.end(`${index}:input`);
    const piece = (delta: Loose) => ({ type: "content_block_delta", index, delta });
    return [
      ...(text === "" ? [] : [piece({ type: "text_delta", text })]),
      ...(json === "" ? [] : [piece({ type: "input_json_delta", partial_json: json })]),
    ];
  }
}
