import type { ChatCompletion, ChatCompletionChunk } from "intellirouter/plugin";
import { asCount, asObject, asText, isObject, type Loose, objectsOf } from "../hub/loose.ts";
import { mistralFormat } from "./encode-messages.ts";
import type { PrefixFilter } from "./prefix-filter.ts";

/** Numbers the thoughts of an answer: pieces of one that follow each other are one. */
export class ThoughtCounter {
  #next = 0;
  #open = false;

  /** Number of the thought that a piece belongs to. */
  get current(): number {
    if (!this.#open) this.#next++;
    this.#open = true;
    return this.#next - 1;
  }

  /** Something else was said. */
  close(): void {
    this.#open = false;
  }
}

/** Content that came as parts, in the fields of a message: its text, and what was thought. */
export function splitContent(content: readonly Loose[], thoughts: ThoughtCounter): Loose {
  let text = "";
  let thought = "";
  const details: Loose[] = [];
  for (const part of content) {
    if (part.type === "thinking") {
      const words = objectsOf(part.thinking).map((each) => asText(each.text)).join("");
      const signature = asText(part.signature);
      thought += words;
      details.push({
        type: "reasoning.text",
        text: words,
        ...(signature === "" ? {} : { signature }),
        format: mistralFormat,
        index: thoughts.current,
      });
      if (part.closed === true) thoughts.close();
    } else {
      text += asText(part.text);
      thoughts.close();
    }
  }
  return {
    ...(text === "" && details.length > 0 ? {} : { content: text }),
    ...(details.length === 0 ? {} : { reasoning_content: thought, reasoning_details: details }),
  };
}

/** A whole answer in OpenAI's form. */
export function decodeAnswer(given: unknown, prefix: (index: number) => PrefixFilter): ChatCompletion {
  const answer = asObject(given);
  const choices = Array.isArray(answer.choices)
    ? objectsOf(answer.choices).map((choice, index) => decodeChoice(choice, prefix(index)))
    : answer.choices;
  return { ...answer, choices, ...usageFields(answer.usage) } as unknown as ChatCompletion;
}

function decodeChoice(choice: Loose, prefix: PrefixFilter): Loose {
  const message = asObject(choice.message ?? joinMessages(choice.messages));
  const { content } = message;
  const made: Loose = Array.isArray(content)
    ? { content: null, ...splitContent(objectsOf(content), new ThoughtCounter()) }
    : { content };
  const said = typeof made.content === "string" ? prefix.push(made.content) + prefix.end() : made.content;
  return { ...choice, message: { ...message, ...made, content: said } };
}

/** With tools of its own the API gives several messages; what the assistant said in them is the answer. */
function joinMessages(messages: unknown): Loose {
  const own = objectsOf(messages).filter(({ role }) => role === undefined || role === "assistant");
  const content = own.flatMap((message) =>
    typeof message.content === "string"
      ? [{ type: "text", text: message.content }]
      : objectsOf(message.content)
  );
  const calls = own.flatMap((message) => objectsOf(message.tool_calls));
  return { role: "assistant", content, ...(calls.length === 0 ? {} : { tool_calls: calls }) };
}

/**
 * A piece of an answer in OpenAI's form; the very same object when it was in it already.
 *
 * @param state of the choice.
 */
export function decodeChunk(
  chunk: ChatCompletionChunk,
  state: (index: number) => { readonly thoughts: ThoughtCounter; readonly prefix: PrefixFilter },
): ChatCompletionChunk {
  const loose = chunk as Loose;
  const usage = usageFields(loose.usage);
  let changed = Object.keys(usage).length > 0;
  const choices = objectsOf(loose.choices).map((choice) => {
    const delta = asObject(choice.delta);
    const { thoughts, prefix } = state(asCount(choice.index));
    const ends = choice.finish_reason !== null && choice.finish_reason !== undefined;
    const parts = Array.isArray(delta.content) ? splitContent(objectsOf(delta.content), thoughts) : undefined;
    const { content: _content, ...rest } = delta;
    const made: Loose = parts === undefined ? delta : { ...rest, ...parts };
    if (parts === undefined && asText(delta.content) !== "") thoughts.close();
    const text = asText(made.content);
    const said = prefix.push(text) + (ends ? prefix.end() : "");
    if (parts === undefined && said === text) return choice;
    changed = true;
    return { ...choice, delta: said === text ? made : { ...made, content: said } };
  });
  return changed ? { ...chunk, choices, ...usage } as ChatCompletionChunk : chunk;
}

/** What the cache gave is told under other names; the tier that served the request is told in the usage. */
function usageFields(given: unknown): Loose {
  if (!isObject(given)) return {};
  const cached = given.num_cached_tokens ?? asObject(given.prompt_token_details).cached_tokens;
  const tier = given.service_tier;
  const isTold = isObject(given.prompt_tokens_details);
  return {
    ...(typeof cached === "number" && !isTold
      ? { usage: { ...given, prompt_tokens_details: { cached_tokens: cached } } }
      : {}),
    ...(tier === "priority" || tier === "standard"
      ? { service_tier: tier === "standard" ? "default" : tier }
      : {}),
  };
}
