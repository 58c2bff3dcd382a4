import { type Price, priceVersion, type Rates } from "../lib/price.ts";

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
    return {
      price: priceOf(result.model_price),
      contextLength: result.model.context_window ?? undefined,
    };
  }
}

type Tiered = number | { readonly base: number; readonly tiers: readonly { start: number; price: number }[] };
type PriceData = Readonly<Record<string, Tiered | undefined>>;

/** Long prompts can cost more; routing compares the ordinary price. */
function priceOf(data: PriceData): Price | undefined {
  const { input_mtok: input, output_mtok: output, cache_read_mtok: cached, cache_write_mtok: written } = data;
  if (input === undefined && output === undefined) return undefined;
  const ratesAt = (prompt: number): Rates => ({
    input: rateAt(input, prompt) ?? 0,
    output: rateAt(output, prompt) ?? 0,
    cachedInput: rateAt(cached, prompt),
    cacheWrite: rateAt(written, prompt),
  });
  const starts = [input, output, cached, written].flatMap((rate) =>
    typeof rate === "object" ? rate.tiers.map(({ start }) => start) : []
  );
  const tiers = [...new Set(starts)].toSorted((one, other) => one - other)
    .map((above) => ({ above, rates: ratesAt(above + 1) }));
  return { ...ratesAt(0), perRequest: undefined, tiers, version: priceVersion("genai-prices", data) };
}

function rateAt(rate: Tiered | undefined, prompt: number): number | undefined {
  if (typeof rate !== "object") return rate;
  const tier =
    rate.tiers.filter(({ start }) => prompt > start).toSorted((one, other) => other.start - one.start)[0];
  return tier?.price ?? rate.base;
}
