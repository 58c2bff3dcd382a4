import type { ResponseItem, ResponseObject, ResponsesRequest } from "../../schema/response.ts";

export interface ResponseTurnOptions {
  /** The gateway's own id of the response: backends that are asked for chat completions have none that is fit. */
  readonly id: string;
  /** As the client sent it. */
  readonly request: ResponsesRequest;
  /** The response will be kept. */
  readonly store: boolean;
  /** What earlier turns said and answered, oldest first. */
  readonly history: readonly ResponseItem[];
  /** The conversation that the turn is added to. */
  readonly conversation?: string | undefined;
  /** What the client says in this turn; every item has its type and an id. */
  readonly input: readonly ResponseItem[];
  /** Seconds since the epoch. */
  readonly now: () => number;
}

/** One turn of a conversation in the Responses protocol: what all tries of its request share. */
export class ResponseTurn {
  readonly id: string;
  readonly request: ResponsesRequest;
  readonly store: boolean;
  readonly history: readonly ResponseItem[];
  readonly conversation: string | undefined;
  readonly input: readonly ResponseItem[];
  readonly now: () => number;
  readonly createdAt: number;
  /** Items that stages have put before those of earlier turns. */
  itemsBefore = 0;
  /** The answer, once it is whole; not the one of a backend that failed. */
  response: ResponseObject | undefined;

  constructor(options: ResponseTurnOptions) {
    this.id = options.id;
    this.request = options.request;
    this.store = options.store;
    this.history = options.history;
    this.conversation = options.conversation;
    this.input = options.input;
    this.now = options.now;
    this.createdAt = options.now();
  }

  /** How many items of the request's input are not this turn's own. */
  get earlierItems(): number {
    return this.history.length + this.itemsBefore;
  }

  /** The id of an output item that the gateway makes; clients look at its beginning to know what it names. */
  itemId(prefix: "msg" | "rs" | "fc" | "ctc", index: number): string {
    return `${prefix}_${this.id.replace(/^resp_/, "")}${index.toString(16).padStart(4, "0")}`;
  }
}

/** An id that is nobody else's and cannot be guessed. */
export function makeId(prefix: string): string {
  return `${prefix}_${crypto.randomUUID().replaceAll("-", "")}`;
}
