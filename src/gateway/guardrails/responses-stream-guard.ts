import { Channels, isLoose, type Loose, type OpenChannel, type StreamGuard } from "./stream-guard.ts";

/** Which field of a `done` event holds the whole of what its deltas have said. */
const doneFields: Readonly<Record<string, "text" | "refusal" | "arguments">> = {
  "response.output_text.done": "text",
  "response.refusal.done": "refusal",
  "response.reasoning_summary_text.done": "text",
  "response.reasoning_text.done": "text",
  "response.function_call_arguments.done": "arguments",
};

/**
 * Guards the events of a response. What was changed in the deltas is changed in every event that repeats it; events are numbered anew,
 * because some are left out and some are added.
 */
export class ResponsesStreamGuard implements StreamGuard {
  readonly #channels: Channels;
  /** What has gone on of each text. */
  readonly #said = new Map<string, string>();
  /** Items that are complete, as they went on. */
  readonly #items = new Map<number, Loose>();
  /** Begun, and not ended. */
  readonly #openItems = new Map<number, Loose>();
  #response: Loose = {};
  #number = 0;

  constructor(open: OpenChannel) {
    this.#channels = new Channels(open);
  }

  async push(event: Loose): Promise<readonly Loose[]> {
    return (await this.#change(event)).map((changed) => ({ ...changed, sequence_number: this.#number++ }));
  }

  refuse(refusal: string): readonly Loose[] {
    const index = Math.max(-1, ...this.#items.keys(), ...this.#openItems.keys()) + 1;
    const closed = [...this.#openItems].map(([output_index, item]) => ({
      type: "response.output_item.done",
      output_index,
      item: { ...this.#itemSaid(item, output_index), status: "incomplete" },
    }));
    for (const { output_index, item } of closed) this.#items.set(output_index, item);
    const id = `msg_${String(this.#response.id ?? "").replace(/^resp_/, "")}_refusal`;
    const part = { type: "refusal", refusal: "" };
    const item = { id, type: "message", role: "assistant", status: "in_progress", content: [] };
    const done = { ...item, status: "completed", content: [{ ...part, refusal }] };
    const place = { item_id: id, output_index: index, content_index: 0 };
    this.#items.set(index, done);
    return [
      ...closed,
      { type: "response.output_item.added", output_index: index, item },
      { type: "response.content_part.added", ...place, part },
      { type: "response.refusal.delta", ...place, delta: refusal },
      { type: "response.refusal.done", ...place, refusal },
      { type: "response.content_part.done", ...place, part: done.content[0] },
      { type: "response.output_item.done", output_index: index, item: done },
      {
        type: "response.incomplete",
        response: {
          ...this.#response,
          status: "incomplete",
          incomplete_details: { reason: "content_filter" },
          output: this.#output(),
        },
      },
    ].map((event) => ({ ...event, sequence_number: this.#number++ }));
  }

  async #change(event: Loose): Promise<Loose[]> {
    const type = String(event.type ?? "");
    const index = Number(event.output_index ?? 0);
    if (type.endsWith(".delta") && typeof event.delta === "string") return this.#delta(event, type);
    const field = doneFields[type];
    if (field !== undefined) {
      const key = keyOf(event, type);
      const rest = await this.#channels.end(key);
      if (rest !== "") this.#say(key, rest);
      const more = rest === ""
        ? []
        : [{ ...withoutNumber(event, field), type: type.replace(/done$/, "delta"), delta: rest }];
      return [...more, { ...event, [field]: this.#said.get(key) ?? "" }];
    }
    if (type === "response.output_item.added" && isLoose(event.item)) this.#openItems.set(index, event.item);
    if (type === "response.content_part.done" && isLoose(event.part)) {
      return [{ ...event, part: this.#partSaid(event.part, index, Number(event.content_index ?? 0)) }];
    }
    if (type === "response.reasoning_summary_part.done" && isLoose(event.part)) {
      return [{ ...event, part: this.#summarySaid(event.part, index, Number(event.summary_index ?? 0)) }];
    }
    if (type === "response.output_item.done" && isLoose(event.item)) {
      const item = this.#itemSaid(event.item, index);
      this.#openItems.delete(index);
      this.#items.set(index, item);
      return [{ ...event, item }];
    }
    if (isLoose(event.response)) {
      this.#response = event.response;
      const isEnd = Array.isArray(event.response.output) && event.response.output.length > 0;
      return [isEnd ? { ...event, response: { ...event.response, output: this.#output() } } : event];
    }
    return [event];
  }

  #delta(event: Loose, type: string): Loose[] {
    const isArguments = type === "response.function_call_arguments.delta";
    const isText = Object.hasOwn(doneFields, type.replace(/delta$/, "done"));
    if (!isText) return [event];
    const key = keyOf(event, type);
    const delta = this.#channels.push(key, isArguments ? "arguments" : "text", event.delta as string);
    if (delta === "") return [];
    this.#say(key, delta);
    return [{ ...event, delta }];
  }

  #say(key: string, text: string): void {
    this.#said.set(key, (this.#said.get(key) ?? "") + text);
  }

  #output(): Loose[] {
    return [...this.#items].sort(([one], [other]) => one - other).map(([, item]) => item);
  }

  #itemSaid(item: Loose, index: number): Loose {
    if (item.type === "function_call") {
      const said = this.#said.get(`${index}:arguments`);
      return said === undefined ? item : { ...item, arguments: said };
    }
    if (item.type === "reasoning" && Array.isArray(item.summary)) {
      return { ...item, summary: item.summary.map((part, place) => this.#summarySaid(part, index, place)) };
    }
    if (item.type !== "message") return item;
    const count = Array.isArray(item.content) ? item.content.length : 0;
    const begun = [...this.#said.keys()].filter((key) => key.startsWith(`${index}:content:`)).length;
    const content = Array.from({ length: Math.max(count, begun) }, (_, place) => {
      const part = (item.content as readonly Loose[] | undefined)?.[place] ??
        { type: "output_text", text: "", annotations: [], logprobs: [] };
      return this.#partSaid(part, index, place);
    });
    return { ...item, content };
  }

  #partSaid(part: Loose, index: number, place: number): Loose {
    const said = this.#said.get(`${index}:content:${place}`);
    if (said === undefined) return part;
    return part.type === "refusal" ? { ...part, refusal: said } : { ...part, text: said };
  }

  #summarySaid(part: Loose, index: number, place: number): Loose {
    const said = this.#said.get(`${index}:summary:${place}`);
    return said === undefined ? part : { ...part, text: said };
  }
}

/** Which text an event is about. */
function keyOf(event: Loose, type: string): string {
  const index = Number(event.output_index ?? 0);
  if (type.startsWith("response.function_call_arguments")) return `${index}:arguments`;
  if (type.startsWith("response.reasoning_summary_text")) {
    return `${index}:summary:${Number(event.summary_index ?? 0)}`;
  }
  if (type.startsWith("response.reasoning_text")) {
    return `${index}:reasoning:${Number(event.content_index ?? 0)}`;
  }
  return `${index}:content:${Number(event.content_index ?? 0)}`;
}

function withoutNumber(event: Loose, field: string): Loose {
  const { [field]: _field, sequence_number: _number, ...rest } = event;
  return rest;
}
