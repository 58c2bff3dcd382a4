/** What a chain is given. */
export interface ChainRequest {
  /** The last message of the user: a text or, where the chain's settings have a schema for it, the JSON in it. */
  readonly input: unknown;
  /** The whole conversation in the shape of chat completions, instructions left out. */
  readonly messages: readonly unknown[];
  /** The client's instructions as one text. */
  readonly system: string;
}

/** A question to a model; `prompt` or `messages`. */
export interface ChainQuestion {
  /** A model, an alias, a route or another chain, as a client names it. The caller must be allowed to use it. */
  readonly model: string;
  readonly prompt?: string;
  /** In the shape of chat completions. */
  readonly messages?: readonly unknown[];
  readonly system?: string;
  readonly temperature?: number;
  /** Most tokens of the answer. */
  readonly maxTokens?: number;
  /** JSON schema: the answer is then read as JSON and checked, and a value instead of a text. */
  readonly schema?: Readonly<Record<string, unknown>>;
  /** Tell the client of this answer piece by piece: it is (a part of) the answer of the chain. */
  readonly stream?: boolean;
}

/** Limits of one step; the chain's own hold beside them. */
export interface ChainStepOptions {
  /** For the record of the run: what the step is given. */
  readonly input?: unknown;
  readonly timeoutMs?: number;
  /** Further tries after a failure that may be tried again. */
  readonly retries?: number;
  readonly maxTokens?: number;
  readonly maxCostUsd?: number;
}

/** What a chain works with. Whatever leaves it goes through here, on behalf of whoever has asked for it. */
export interface ChainWork {
  /** Aborted when the client has left or the time is up. */
  readonly signal: AbortSignal;
  /**
   * Does one step. What it gives is kept, as JSON: a run that is taken up again gets it from there, and does not do the step anew.
   *
   * @param id unique among the steps of a run; within the work of another step, among the steps of that one.
   */
  step<Value>(
    id: string,
    action: (work: ChainWork) => Promise<Value>,
    options?: ChainStepOptions,
  ): Promise<Value>;
  /** Asks a model. A text, or the value that the question has a schema for. */
  ask(question: ChainQuestion): Promise<unknown>;
  /** Searches in vector stores. */
  search(search: {
    readonly vectorStores: readonly string[];
    readonly query: string;
    readonly maxResults?: number;
  }): Promise<
    readonly {
      readonly text: string;
      readonly file_id: string;
      readonly filename: string;
      readonly score: number;
    }[]
  >;
  /** Calls an HTTP tool at an address that the chain's `allow` has. The body is parsed where it is JSON. */
  callTool(call: {
    readonly url: string;
    readonly method?: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: string;
  }): Promise<{ readonly status: number; readonly body: unknown }>;
  /** Tells the client a piece of the answer. What the chain returns at last must begin with all that was told. */
  say(text: string): void;
}

/**
 * A chain that is written as code. One instance runs all requests of a configuration, many at the same time.
 *
 * `run` gives the answer: a text, or JSON. It must take the same path again when it is run again with the same input and
 * steps that give the same: that is how a run is taken up.
 */
export interface Chain {
  run(request: ChainRequest, work: ChainWork): Promise<unknown>;
  close?(): void | Promise<void>;
}
