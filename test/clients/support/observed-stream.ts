/** What a client made of a stream, in words that all clients share. */
export interface ObservedStream {
  readonly content: string;
  readonly calls: readonly { readonly name: string; readonly arguments: unknown }[];
  readonly finish: string | undefined;
}

/** One way in which a client reads streams. */
export interface StreamReader {
  readonly name: string;
  /** @throws what the client throws. */
  read(origin: string, key: string, model: string): Promise<ObservedStream>;
  /** Whether an error is one that the client means its users to see, and not a stumble of its own code. */
  isClean(error: unknown): boolean;
}

/** Arguments as values: clients differ in whether they parse them. Half an object stays a text. */
export function parsedArguments(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
