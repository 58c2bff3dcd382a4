import { ChainError, type Spent } from "./contracts.ts";

export interface CeilingOptions {
  /** What it is the ceiling of, for messages: `the chain "research"`. */
  readonly of: string;
  readonly maxTokens: number | undefined;
  readonly maxCostUsd: number | undefined;
  readonly maxSteps?: number | undefined;
}

/** What a run, or a step with everything within it, may use. What is used counts for everything around it as well. */
export class Ceiling {
  readonly #options: CeilingOptions;
  readonly #around: Ceiling | undefined;
  #steps = 0;
  tokens = 0;
  costUsd = 0;

  constructor(options: CeilingOptions, around?: Ceiling) {
    this.#options = options;
    this.#around = around;
  }

  /** @throws {ChainError} `limit` when no further step may begin. */
  beginStep(): void {
    const { of, maxSteps } = this.#options;
    if (++this.#steps > (maxSteps ?? Infinity)) {
      throw new ChainError("limit", `${of} has taken all of its ${maxSteps} steps`);
    }
    this.#around?.beginStep();
  }

  /** @throws {ChainError} `limit` when everything has been used. */
  check(): void {
    const { of, maxTokens = Infinity, maxCostUsd = Infinity } = this.#options;
    if (this.tokens >= maxTokens) {
      throw new ChainError("limit", `${of} has used all of its ${maxTokens} tokens`);
    }
    if (this.costUsd >= maxCostUsd) throw new ChainError("limit", `${of} has cost all of its $${maxCostUsd}`);
    this.#around?.check();
  }

  /** Tokens that an answer may still have. */
  get tokensLeft(): number {
    return Math.min(
      (this.#options.maxTokens ?? Infinity) - this.tokens,
      this.#around?.tokensLeft ?? Infinity,
    );
  }

  spend(spent: Spent): void {
    this.tokens += spent.tokens;
    this.costUsd += spent.costUsd;
    this.#around?.spend(spent);
  }
}
