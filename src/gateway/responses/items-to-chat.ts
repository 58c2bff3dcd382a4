import { UpstreamError } from "../../plugin/api/upstream-error.ts";
import type { ChatMessage } from "../../schema/chat-completion.ts";
import type { ResponseItem, ResponsesRequest } from "../../schema/response.ts";
import { placeField, withoutPlace } from "../reasoning/places.ts";
import { contentOf, type Part, partsOf, textOf } from "./content-to-chat.ts";
import { inputItems, isOwnSearch } from "./input-items.ts";
import { loseFields } from "./lose-fields.ts";
import { unsealReasoning } from "./sealed-reasoning.ts";
import { type ToChatOptions, unsupported } from "./to-chat-options.ts";
import { customInput } from "./tools-to-chat.ts";

type Loose = Readonly<Record<string, unknown>>;

/**
 * What of each item is carried. Ids name nothing at a backend that keeps nothing, and what is said is said, whatever its status.
 */
const carried: Readonly<Record<string, ReadonlySet<string>>> = {
  message: new Set(["type", "id", "status", "role", "content"]),
  function_call: new Set(["type", "id", "status", "call_id", "name", "arguments"]),
  custom_tool_call: new Set(["type", "id", "status", "call_id", "name", "input"]),
  function_call_output: new Set(["type", "id", "status", "call_id", "output"]),
  custom_tool_call_output: new Set(["type", "id", "status", "call_id", "output"]),
};

/** What the assistant said in one turn, while its items come one after the other. */
interface AssistantTurn {
  /** Where what it thought stands. */
  thoughtPlace?: string;
  text: string | undefined;
  readonly calls: NonNullable<ChatMessage["tool_calls"]>;
  readonly details: Loose[];
  thought: string;
}

/** The items of a conversation as chat messages. */
export function itemsToChat(
  instructions: string | null | undefined,
  input: ResponsesRequest["input"],
  options: ToChatOptions,
): ChatMessage[] {
  const conversation = new ChatConversation(options);
  if (instructions) conversation.messages.push({ role: "system", content: instructions });
  inputItems(input).forEach((item, index) => conversation.add(item, index));
  conversation.end();
  return withOneBeginning(conversation.messages);
}

class ChatConversation {
  readonly messages: ChatMessage[] = [];
  readonly #options: ToChatOptions;
  #turn: AssistantTurn | undefined;
  readonly #callIds = new Set<unknown>();
  /** What is not text in the results of tools; it follows when the last of them has come. */
  #attachments: Part[] = [];

  constructor(options: ToChatOptions) {
    this.#options = options;
  }

  add(item: ResponseItem, index: number): void {
    const own = index - this.#options.historyLength;
    const place = own < 0 ? "previous_response_id" : `input[${own}]`;
    const known = carried[item.type ?? ""];
    // What the gateway itself has kept of earlier turns is no news to the client.
    if (known !== undefined && own >= 0) loseFields(item, known, place, this.#options.reportLoss);
    switch (item.type) {
      case "message":
        return item.role === "assistant" ? this.#say(item, place) : this.#hear(item, place);
      case "function_call":
        return this.#call(item, String(item.arguments), place);
      case "custom_tool_call":
        return this.#call(item, JSON.stringify({ [customInput]: item.input }), place);
      case "function_call_output":
      case "custom_tool_call_output":
        return this.#answer(item, place);
      case "reasoning":
        return this.#think(item, place);
      case "compaction":
      case "item_reference":
        // Without it the conversation would be another one.
        throw unsupported(place, `This target cannot read a ${item.type} item.`);
      default:
        if (isOwnSearch(item)) return;
        this.#lose(place, `chat completions have no ${item.type} item`);
    }
  }

  end(): void {
    this.#closeTurn();
    this.#attach();
  }

  #say({ content, phase }: ResponseItem, place: string): void {
    if (phase) this.#lose(`${place}.phase`, "chat completions do not tell remarks from answers");
    // A turn that waits for results must stay one message; any other ends where the assistant speaks again.
    if (this.#turn?.text !== undefined && this.#turn.calls.length === 0) this.#closeTurn();
    const turn = this.#open();
    turn.text = (turn.text ?? "") + textOf(content, `${place}.content`, this.#options);
  }

  #hear({ role, content }: ResponseItem, place: string): void {
    this.end();
    this.messages.push({
      // Only OpenAI's own backends know developers, and they take the older name as well.
      role: role === "user" ? "user" : "system",
      content: contentOf(partsOf(content, `${place}.content`, this.#options)),
    });
  }

  #call({ call_id: id, name, ...rest }: ResponseItem, text: string, place: string): void {
    for (const field of ["namespace", "async", "caller"] as const) {
      const isOrdinary = !rest[field] || (rest[field] as Loose).type === "direct";
      if (!isOrdinary) this.#lose(`${place}.${field}`, "calls of chat completions have no such field");
    }
    this.#callIds.add(id);
    this.#open().calls.push({
      id: String(id),
      type: "function",
      function: { name: String(name), arguments: text },
    });
  }

  #answer({ call_id: id, output }: ResponseItem, place: string): void {
    this.#closeTurn();
    if (!this.#callIds.has(id)) {
      throw new UpstreamError({
        kind: "invalid_request",
        param: place,
        message: `No tool call found for function call output with call_id ${String(id)}.`,
      });
    }
    const parts = typeof output === "string" || Array.isArray(output)
      ? partsOf(output as ResponseItem["content"], `${place}.output`, this.#options)
      : [{ type: "text", text: JSON.stringify(output) }];
    const texts = parts.filter(({ type }) => type === "text");
    const others = parts.filter(({ type }) => type !== "text");
    if (others.length > 0) {
      this.#options.reportLoss({
        field: `${place}.output`,
        effect: "approximated",
        detail: "what is not text in a tool's result follows in a user message",
      });
    }
    this.messages.push({
      role: "tool",
      tool_call_id: String(id),
      content: contentOf(texts),
    });
    this.#attachments.push(...others);
  }

  #think(item: ResponseItem, place: string): void {
    const { reasoningReplay } = this.#options;
    if (this.#turn?.text !== undefined && this.#turn.calls.length === 0) this.#closeTurn();
    if (reasoningReplay === "text") {
      const turn = this.#open();
      turn.thought += wordsOf(item.content) || wordsOf(item.summary);
      turn.thoughtPlace = place;
      return;
    }
    // What no backend has sealed is there for people to read.
    if (!item.encrypted_content) {
      if (place.startsWith("input")) {
        this.#lose(place, "only reasoning with encrypted_content can be given back");
      }
      return;
    }
    const details = reasoningReplay === "details" ? unsealReasoning(item.encrypted_content, item.id) : [];
    if (details.length > 0) this.#recall(details);
    else this.#lose(place, "this backend takes no such reasoning back");
  }

  /** The order of the items tells where it stood. */
  #recall(details: readonly Loose[]): void {
    const turn = this.#open();
    const place = placeField({ content: turn.text?.length ?? 0, calls: turn.calls.length });
    turn.details.push(...details.map((detail) => ({ ...withoutPlace(detail), ...place })));
  }

  #open(): AssistantTurn {
    this.#attach();
    return this.#turn ??= { text: undefined, calls: [], details: [], thought: "" };
  }

  #closeTurn(): void {
    const turn = this.#turn;
    this.#turn = undefined;
    if (turn === undefined) return;
    if (turn.text === undefined && turn.calls.length === 0) {
      if (turn.thoughtPlace) {
        this.#lose(turn.thoughtPlace, "reasoning goes with what follows it, and nothing does");
      }
      return;
    }
    const { text, calls, details, thought } = turn;
    this.messages.push({
      role: "assistant",
      content: text ?? null,
      ...(calls.length > 0 ? { tool_calls: calls } : {}),
      ...(details.length > 0 ? { reasoning_details: details } : {}),
      ...(thought === "" ? {} : { reasoning_content: thought }),
    });
  }

  #attach(): void {
    if (this.#attachments.length === 0) return;
    this.messages.push({ role: "user", content: this.#attachments as ChatMessage["content"] });
    this.#attachments = [];
  }

  #lose(field: string, detail: string): void {
    this.#options.reportLoss({ field, effect: "dropped", detail });
  }
}

/** Many chat templates take one system message, and only at the beginning. */
function withOneBeginning(messages: readonly ChatMessage[]): ChatMessage[] {
  const first = messages.findIndex(({ role, content }) => role !== "system" || typeof content !== "string");
  const beginning = messages.slice(0, first < 0 ? messages.length : first);
  if (beginning.length < 2) return [...messages];
  const content = beginning.map((message) => message.content).join("\n\n");
  return [{ role: "system", content }, ...messages.slice(beginning.length)];
}

function wordsOf(parts: unknown): string {
  if (!Array.isArray(parts)) return "";
  return parts.map((part: Loose) => typeof part?.text === "string" ? part.text : "").join("\n\n");
}
