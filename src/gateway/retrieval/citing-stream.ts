import type { OperationName } from "../../router/contracts.ts";
import type { ResponseItem } from "../../schema/response.ts";
import { chatAnnotation, type Citation, responseAnnotation } from "../stages/answer-editor.ts";

type Loose = Readonly<Record<string, unknown>>;
type CitationsOf = (text: string) => readonly Citation[];

export interface ResponseOptions {
  /** Told of the response when it is whole. */
  readonly onWhole: (response: unknown) => void;
  /** A search of the gateway's own, which is told of before all that the backend says. */
  readonly search?: ResponseItem;
}

/**
 * Names sources in an answer that comes in pieces: in chat before the end of each choice, in the Responses protocol with events of its
 * own and in everything that tells a text once more. Other protocols have no place for it, and their pieces go on as they are.
 */
export function citingStream(
  operation: OperationName,
  pieces: AsyncIterable<readonly string[]>,
  citationsOf: CitationsOf,
  options: ResponseOptions,
): AsyncIterable<readonly string[]> {
  if (operation === "chat") return mapped(pieces, new ChatCitations(citationsOf));
  if (operation === "responses") return mapped(pieces, new ResponseCitations(citationsOf, options));
  return pieces;
}

interface EventMap {
  /** What stands in the place of an event. */
  map(event: Loose): readonly Loose[];
}

async function* mapped(
  pieces: AsyncIterable<readonly string[]>,
  map: EventMap,
): AsyncGenerator<readonly string[]> {
  for await (const texts of pieces) {
    yield texts.flatMap((text) => {
      const event = parse(text);
      if (event === undefined) return [text];
      const events = map.map(event);
      return events.length === 1 && events[0] === event
        ? [text]
        : events.map((changed) => JSON.stringify(changed));
    });
  }
}

class ChatCitations implements EventMap {
  readonly #citationsOf: CitationsOf;
  readonly #texts = new Map<number, string>();

  constructor(citationsOf: CitationsOf) {
    this.#citationsOf = citationsOf;
  }

  map(chunk: Loose): readonly Loose[] {
    const ended: Loose[] = [];
    for (const choice of listOf(chunk.choices)) {
      const index = Number(choice.index ?? 0);
      const { content } = (choice.delta ?? {}) as Loose;
      const text = (this.#texts.get(index) ?? "") + (typeof content === "string" ? content : "");
      this.#texts.set(index, text);
      if (typeof choice.finish_reason !== "string") continue;
      const annotations = this.#citationsOf(text).map((citation) => chatAnnotation(citation, text));
      if (annotations.length > 0) {
        ended.push({ index, delta: { annotations }, logprobs: null, finish_reason: null });
      }
    }
    if (ended.length === 0) return [chunk];
    const { usage: _usage, ...rest } = chunk;
    return [{ ...rest, choices: ended }, chunk];
  }
}

/** Events are numbered anew, because some are added. */
class ResponseCitations implements EventMap {
  readonly #citationsOf: CitationsOf;
  /** How many the backend has made itself, by the place of their text. */
  readonly #own = new Map<string, number>();
  readonly #options: ResponseOptions;
  #number = 0;

  constructor(citationsOf: CitationsOf, options: ResponseOptions) {
    this.#citationsOf = citationsOf;
    this.#options = options;
  }

  map(event: Loose): readonly Loose[] {
    return this.#change(this.#shifted(event)).map((changed) => ({
      ...changed,
      sequence_number: this.#number++,
    }));
  }

  #change(event: Loose): Loose[] {
    const { item_id, output_index, content_index, text } = event;
    const place = `${output_index}:${content_index}`;
    switch (event.type) {
      case "response.output_text.annotation.added":
        this.#own.set(place, (this.#own.get(place) ?? 0) + 1);
        return [event];
      case "response.output_text.done": {
        const own = this.#own.get(place) ?? 0;
        const added = this.#annotations(String(text ?? "")).map((annotation, index) => ({
          type: "response.output_text.annotation.added",
          item_id,
          output_index,
          content_index,
          annotation_index: own + index,
          annotation,
        }));
        return [...added, event];
      }
      case "response.content_part.done":
        return [{ ...event, part: this.#part(event.part as Loose) }];
      case "response.output_item.done":
        return [{ ...event, item: this.#item(event.item as Loose) }];
      case "response.in_progress":
        return [event, ...this.#searchEvents()];
      case "response.completed":
      case "response.incomplete":
      case "response.failed": {
        const whole = this.#whole(event.response as Loose);
        if (event.type !== "response.failed") this.#options.onWhole(whole);
        return [{ ...event, response: whole }];
      }
      default:
        return [event];
    }
  }

  #whole(response: Loose): Loose {
    const { search } = this.#options;
    const output = listOf(response.output).map((item) => this.#item(item));
    return { ...response, output: search === undefined ? output : [search, ...output] };
  }

  /** What the backend says stands behind the search. */
  #shifted(event: Loose): Loose {
    if (this.#options.search === undefined || typeof event.output_index !== "number") return event;
    return { ...event, output_index: event.output_index + 1 };
  }

  #searchEvents(): Loose[] {
    const { search } = this.#options;
    if (search === undefined) return [];
    const about = { output_index: 0, item_id: search.id };
    return [
      {
        type: "response.output_item.added",
        output_index: 0,
        item: { ...search, status: "in_progress", queries: [], results: null },
      },
      { type: "response.file_search_call.in_progress", ...about },
      { type: "response.file_search_call.searching", ...about },
      { type: "response.file_search_call.completed", ...about },
      { type: "response.output_item.done", output_index: 0, item: search },
    ];
  }

  #item(item: Loose): Loose {
    if (item?.type !== "message" || !Array.isArray(item.content)) return item;
    return { ...item, content: listOf(item.content).map((part) => this.#part(part)) };
  }

  #part(part: Loose): Loose {
    if (part?.type !== "output_text") return part;
    return {
      ...part,
      annotations: [...listOf(part.annotations), ...this.#annotations(String(part.text ?? ""))],
    };
  }

  #annotations(text: string): Loose[] {
    return this.#citationsOf(text).map((citation) => responseAnnotation(citation, text.length));
  }
}

function listOf(value: unknown): Loose[] {
  return Array.isArray(value) ? value as Loose[] : [];
}

function parse(text: string): Loose | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value as Loose : undefined;
  } catch {
    return undefined;
  }
}
