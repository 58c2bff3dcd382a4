/** What a model costs, in US dollars for one million tokens. */
export interface Price {
  readonly input: number;
  readonly output: number;
  /** Prompt tokens that the backend had in its cache; the input price when unknown. */
  readonly cachedInput: number | undefined;
}

export interface BookEntry {
  readonly price: Price | undefined;
  /** Tokens. */
  readonly contextLength: number | undefined;
}

/**
 * Prices and context lengths of vendors' models from the data that comes with `@pydantic/genai-prices`. Nothing is fetched. The
 * data takes some memory and milliseconds, so it is loaded only when a vendor with a price list is configured, after the start.
 */
export class PriceBook {
  #calculate: typeof import("@pydantic/genai-prices").calcPrice | undefined;
  readonly #entries = new Map<string, BookEntry>();

  get loaded(): boolean {
    return this.#calculate !== undefined;
  }

  async load(): Promise<void> {
    this.#calculate ??= (await import("@pydantic/genai-prices")).calcPrice;
  }

  /** Undefined while nothing is loaded, and for models that the data does not know. */
  find(vendor: string, model: string): BookEntry | undefined {
    if (this.#calculate === undefined) return undefined;
    const key = `${vendor}\n${model}`;
    const known = this.#entries.get(key);
    if (known !== undefined) return known;
    const entry = this.#lookUp(vendor, model);
    // Only what is found is kept: unknown names can be anything that a client makes up.
    if (entry !== undefined) this.#entries.set(key, entry);
    return entry;
  }

  #lookUp(vendor: string, model: string): BookEntry | undefined {
    const result = this.#calculate!({ input_tokens: 1, output_tokens: 1 }, model, { providerId: vendor });
    if (result === null) return undefined;
    const { input_mtok, output_mtok, cache_read_mtok } = result.model_price;
    const input = base(input_mtok);
    const output = base(output_mtok);
    return {
      price: input === undefined && output === undefined
        ? undefined
        : { input: input ?? 0, output: output ?? 0, cachedInput: base(cache_read_mtok) },
      contextLength: result.model.context_window ?? undefined,
    };
  }
}

/** Long prompts can cost more; routing compares the ordinary price. */
function base(price: unknown): number | undefined {
  if (typeof price === "number") return price;
  const tiered = price as { readonly base?: unknown } | null | undefined;
  return typeof tiered?.base === "number" ? tiered.base : undefined;
}
