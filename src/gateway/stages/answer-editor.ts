import type { ChatCompletion, ChatMessage } from "../../schema/chat-completion.ts";
import type { Completion } from "../../schema/completion.ts";
import type { Message } from "../../schema/message.ts";
import type { ResponseItem, ResponseObject } from "../../schema/response.ts";
import { itemsToChat } from "../responses/items-to-chat.ts";
import { mapMessage } from "./chat-prompt.ts";
import { mapContent, mapSame, withField } from "./content-texts.ts";
import { toChatMessages } from "../messages/messages-to-chat.ts";
import type { EditableText } from "./prompt-editor.ts";
import { mapItem } from "./responses-prompt.ts";

/** A source of something in an answer. */
export interface Citation {
  /** A document's name, or a page's heading. */
  readonly title: string;
  /** Absent: a file of the gateway's own. */
  readonly url?: string;
  readonly fileId?: string;
}

/** A whole answer for reading and changing, in the terms that all protocols share. */
export interface AnswerEditor {
  /** As it stands, in the client's own protocol. */
  readonly body: unknown;
  readonly isChanged: boolean;
  texts(): EditableText[];
  mapTexts(change: (text: EditableText) => string): void;
  /** Puts a refusal, in the protocol's own form, in the place of all that was said. */
  refuse(message: string): void;
  /** Names the sources, in the protocol's own form; without effect in protocols that have none. */
  cite(citations: readonly Citation[]): void;
  /** Puts an item of the gateway's own before all others; without effect in protocols that have no items. */
  addItem(item: ResponseItem): void;
  /** What was said, as a chat message; undefined for answers that say nothing. Of several choices the first. */
  message(): ChatMessage | undefined;
}

/** A protocol's own part of an editor. */
export interface AnswerDialect<Body> {
  mapTexts(body: Body, change: (text: EditableText) => string): Body;
  refuse(body: Body, message: string): Body;
  cite(body: Body, citations: readonly Citation[]): Body;
  /** Absent where the protocol has no items. */
  addItem?(body: Body, item: ResponseItem): Body;
  message(body: Body): ChatMessage | undefined;
}

/** Edits an answer by its protocol's dialect. */
export class DialectAnswerEditor<Body> implements AnswerEditor {
  readonly #dialect: AnswerDialect<Body>;
  readonly #given: Body;
  #body: Body;

  constructor(dialect: AnswerDialect<Body>, body: Body) {
    this.#dialect = dialect;
    this.#given = this.#body = body;
  }

  get body(): Body {
    return this.#body;
  }

  get isChanged(): boolean {
    return this.#body !== this.#given;
  }

  texts(): EditableText[] {
    const texts: EditableText[] = [];
    this.#dialect.mapTexts(this.#body, (text) => {
      texts.push(text);
      return text.text;
    });
    return texts;
  }

  mapTexts(change: (text: EditableText) => string): void {
    let isChanged = false;
    const body = this.#dialect.mapTexts(this.#body, (text) => {
      const changed = change(text);
      isChanged ||= changed !== text.text;
      return changed;
    });
    if (isChanged) this.#body = body;
  }

  refuse(message: string): void {
    this.#body = this.#dialect.refuse(this.#body, message);
  }

  cite(citations: readonly Citation[]): void {
    if (citations.length > 0) this.#body = this.#dialect.cite(this.#body, citations);
  }

  addItem(item: ResponseItem): void {
    this.#body = this.#dialect.addItem?.(this.#body, item) ?? this.#body;
  }

  message(): ChatMessage | undefined {
    return this.#dialect.message(this.#body);
  }
}

export const chatAnswer: AnswerDialect<ChatCompletion> = {
  mapTexts(body, change) {
    const choices = mapSame(body.choices, (choice, index) =>
      withField(
        choice,
        "message",
        mapMessage(choice.message as ChatMessage, `choices[${index}].message`, change),
      ));
    return withField(body, "choices", choices);
  },

  refuse: (body, refusal) => ({
    ...body,
    choices: body.choices.map(({ index }) => ({
      index,
      message: { role: "assistant", content: null, refusal },
      finish_reason: "content_filter",
      logprobs: null,
    })),
  }),

  cite: (body, citations) => ({
    ...body,
    choices: body.choices.map((choice) => {
      const { message } = choice;
      const known = Array.isArray(message.annotations) ? message.annotations : [];
      const annotations = [
        ...known,
        ...citations.map((citation) => chatAnnotation(citation, message.content)),
      ];
      return { ...choice, message: { ...message, annotations } };
    }),
  }),

  message: ({ choices }) => choices[0]?.message as ChatMessage | undefined,
};

/** Chat completions know citations of addresses alone (OpenAI's `url_citation`); a file's is made from its id. */
export function chatAnnotation({ title, url, fileId }: Citation, content: string | null | undefined) {
  const length = content?.length ?? 0;
  return {
    type: "url_citation",
    url_citation: { title, url: url ?? `file://${fileId ?? title}`, start_index: 0, end_index: length },
  };
}

export const messagesAnswer: AnswerDialect<Message> = {
  mapTexts: (body, change) =>
    withField(body, "content", mapContent(body.content, "assistant", "content", change)) as Message,
  refuse: (body, text) => ({ ...body, content: [{ type: "text", text }], stop_reason: "refusal" }),
  // The protocol's citations name places in documents that the client itself has sent.
  cite: (body) => body,
  message: ({ content }) =>
    toChatMessages([{ role: "assistant", content }], {
      reasoningReplay: undefined,
      cacheMarks: false,
      fileAddresses: true,
      reportLoss: () => {},
    })[0],
};

export const responsesAnswer: AnswerDialect<ResponseObject> = {
  mapTexts(body, change) {
    const output = mapSame(body.output, (item, index) => mapItem(item, `output[${index}]`, change));
    return withOutput(withField(body, "output", output));
  },

  refuse(body, refusal) {
    const id = body.output.find(({ type }) => type === "message")?.id ??
      `msg_${body.id.replace(/^resp_/, "")}`;
    return withOutput({
      ...body,
      output: [{
        type: "message",
        id,
        role: "assistant",
        status: "completed",
        content: [{ type: "refusal", refusal }],
      }],
    });
  },

  cite: (body, citations) => ({
    ...body,
    output: body.output.map((item) => {
      if (item.type !== "message" || !Array.isArray(item.content)) return item;
      return {
        ...item,
        content: item.content.map((part) => {
          if (part.type !== "output_text") return part;
          const known = Array.isArray(part.annotations) ? part.annotations : [];
          const index = String(part.text ?? "").length;
          return {
            ...part,
            annotations: [...known, ...citations.map((citation) => responseAnnotation(citation, index))],
          };
        }),
      };
    }),
  }),

  addItem: (body, item) => ({ ...body, output: [item, ...body.output] }),

  message: ({ output }) =>
    itemsToChat(undefined, output, {
      reasoningReplay: undefined,
      historyLength: 0,
      fileAddresses: true,
      reportLoss: () => {},
    })[0],
};

/** @param index where in the text the citation stands. */
export function responseAnnotation({ title, url, fileId }: Citation, index: number) {
  return url === undefined
    ? { type: "file_citation", file_id: fileId ?? "", filename: title, index }
    : { type: "url_citation", title, url, start_index: 0, end_index: index };
}

/** `output_text` is the clients' own short form of the texts; where a backend gives it, it follows them. */
function withOutput(body: ResponseObject): ResponseObject {
  if (typeof body.output_text !== "string") return body;
  const texts = body.output.flatMap(({ content }) => Array.isArray(content) ? content : [])
    .filter(({ type }) => type === "output_text").map(({ text }) => String(text ?? ""));
  return { ...body, output_text: texts.join("") };
}

export const completionAnswer: AnswerDialect<Completion> = {
  mapTexts(body, change) {
    const choices = mapSame(body.choices, (choice, index) => {
      const path = `choices[${index}].text`;
      return withField(choice, "text", change({ role: "assistant", kind: "text", path, text: choice.text }));
    });
    return withField(body, "choices", choices);
  },
  refuse: (body, text) => ({
    ...body,
    choices: body.choices.map((choice) => ({ ...choice, text, finish_reason: "content_filter" })),
  }),
  cite: (body) => body,
  message: ({ choices }) => choices[0] && { role: "assistant", content: choices[0].text },
};
