/** What a protocol's table says; see `chat.ts`, `messages.ts` and `responses.ts`. */
import type { Ingress } from "../matrix.ts";

export type Body = Readonly<Record<string, unknown>>;

/** Two values of one field; whoever passes it on sends something else for each. */
export interface Sample {
  readonly value: unknown;
  readonly other: unknown;
}

export function sample(value: unknown, other: unknown): Sample {
  return { value, other };
}

/** What must stand around something for a request with it to be whole. */
export interface Frame {
  /** Elements of the same list, before it. */
  readonly before?: readonly unknown[];
  /** Elements of the same list, after it. */
  readonly after?: readonly unknown[];
  /** Further fields of the request. */
  readonly request?: Body;
}

/** Where a field asks for what happens anyway. */
export interface Silence {
  readonly why: string;
  /** These values of it; every one when absent. */
  readonly values?: readonly unknown[];
  /** Before these backends; before every one when absent. */
  readonly backends?: readonly string[];
}

/**
 * A protocol's types say which fields there are; the table says what they leave open. Keys are `Owner.field` as the client library
 * declares it, `Owner`, or the bare name of a field wherever it is.
 */
export interface Protocol {
  readonly ingress: Ingress;
  /** Declarations, below `node_modules`; the first has the request. */
  readonly files: readonly string[];
  /** The type of a request. */
  readonly request: string;
  /** Fields of every request. */
  readonly base: Body;
  /** Values that a field must have to be valid: the others are numbers, and texts that hold the word "sentinel". */
  readonly values: Readonly<Record<string, Sample>>;
  /** Further fields that an object needs, always or for one of its fields. */
  readonly needs: Readonly<Record<string, Body>>;
  /** By the owner of what stands in a list of the request, or by `Owner.field`. */
  readonly frames: Readonly<Record<string, Frame>>;
  /** Forms in which an object is swept, where one is not enough: fields of each. */
  readonly contexts: Readonly<Record<string, readonly Body[]>>;
  /** What may be left out without a word, and why that loses nothing. */
  readonly silent: Readonly<Record<string, readonly Silence[]>>;
  /** Fields that the gateway itself honours, and how. */
  readonly kept: Readonly<Record<string, string>>;
  /** Headers that the client library makes of fields. */
  readonly headers: Readonly<Record<string, string>>;
  /** What a field, or an object, is called in losses that are told in the words of chat completions. */
  readonly aliases: Readonly<Record<string, readonly string[]>>;
}
