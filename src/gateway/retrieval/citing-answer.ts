import type { SearchResult } from "../../rag/contracts.ts";
import { citedPassages } from "../../rag/passages.ts";
import type { ResponseItem } from "../../schema/response.ts";
import type { AnswerEditor, Citation } from "../stages/answer-editor.ts";
import { plainText } from "../stages/content-texts.ts";
import type { AnswerStage, Exchange } from "../stages/stage.ts";
import { citingStream } from "./citing-stream.ts";

/** Names the files of the passages that an answer rests on. */
export class CitingAnswer implements AnswerStage {
  readonly #exchange: Exchange;
  readonly #citationsOf: (text: string) => Citation[];
  readonly #search: ResponseItem | undefined;

  /** @param search of the gateway's own, which the answer tells of before all else. */
  constructor(exchange: Exchange, passages: readonly SearchResult[], search?: ResponseItem) {
    this.#exchange = exchange;
    this.#search = search;
    this.#citationsOf = (text) =>
      text === ""
        ? []
        : citedPassages(text, passages).map(({ filename, fileId }) => ({ title: filename, fileId }));
  }

  answer(answer: AnswerEditor): void {
    answer.cite(this.#citationsOf(plainText(answer.message()?.content)));
    if (this.#search !== undefined) answer.addItem(this.#search);
  }

  stream(pieces: AsyncIterable<readonly string[]>): AsyncIterable<readonly string[]> {
    return citingStream(this.#exchange.operation, pieces, this.#citationsOf, {
      onWhole: (response) => this.#exchange.keepAnswer(response),
      ...(this.#search === undefined ? {} : { search: this.#search }),
    });
  }
}

/** Of one request; nobody who writes a document knows it. */
export function newNonce(): string {
  return crypto.randomUUID().replaceAll("-", "").slice(0, 12);
}
