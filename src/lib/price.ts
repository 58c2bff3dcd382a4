import { createHash } from "node:crypto";
import { toNanodollars } from "./money.ts";

/** US dollars for one million tokens. */
export interface Rates {
  readonly input: number;
  readonly output: number;
  /** Prompt tokens that the backend had in its cache; the input price when unknown. */
  readonly cachedInput: number | undefined;
  /** Prompt tokens that the backend wrote to its cache; the input price when unknown. */
  readonly cacheWrite: number | undefined;
}

/** What a model costs. */
export interface Price extends Rates {
  /** US dollars for each request (of several answers at once: for each of them), beside its tokens. */
  readonly perRequest: number | undefined;
  /** Rates of all tokens of a request whose prompt is longer than so many; the highest that applies holds. */
  readonly tiers: readonly { readonly above: number; readonly rates: Rates }[];
  /** Names these very prices in the books. */
  readonly version: string;
}

/** Tokens as OpenAI's API counts them: cached and written ones are among those of the prompt. */
export interface PricedUsage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly prompt_tokens_details?:
    | { readonly cached_tokens?: number | null | undefined; readonly cache_write_tokens?: unknown }
    | null
    | undefined;
}

/**
 * What a request costs in whole nanodollars; undefined when that is unknown.
 *
 * @param usage undefined for what is not counted in tokens, and is paid by the request.
 * @param answers that were asked for at once, where they are not counted in tokens.
 */
export function costOf(
  price: Price | undefined,
  usage: PricedUsage | undefined,
  answers = 1,
): number | undefined {
  if (price === undefined) return undefined;
  const { perRequest } = price;
  if (usage === undefined) return perRequest === undefined ? undefined : toNanodollars(perRequest * answers);
  const { prompt_tokens: prompt, completion_tokens: completion, prompt_tokens_details: details } = usage;
  const cached = Math.min(details?.cached_tokens ?? 0, prompt);
  const written = Math.min(Number(details?.cache_write_tokens ?? 0), prompt - cached);
  const { input, output, cachedInput = input, cacheWrite = input } = ratesFor(price, prompt);
  const millionths = (prompt - cached - written) * input + cached * cachedInput + written * cacheWrite +
    completion * output;
  return toNanodollars(millionths / 1e6 + (perRequest ?? 0));
}

/** The most that a request can cost, in whole nanodollars; undefined when that is unknown. Both numbers are of tokens. */
export function worstCostOf(
  price: Price | undefined,
  prompt: number,
  completion: number,
  answers = 1,
): number | undefined {
  if (prompt === 0 && completion === 0) return costOf(price, undefined, answers);
  if (price === undefined) return undefined;
  const { input, output, cacheWrite = input } = ratesFor(price, prompt);
  const millionths = prompt * Math.max(input, cacheWrite) + completion * output;
  return toNanodollars(millionths / 1e6 + (price.perRequest ?? 0));
}

function ratesFor({ tiers, ...base }: Price, prompt: number): Rates {
  return tiers.findLast(({ above }) => prompt > above)?.rates ?? base;
}

/** Names prices by where they come from and what they are. */
export function priceVersion(source: string, prices: object): string {
  return `${source}/${createHash("sha256").update(JSON.stringify(prices)).digest("hex").slice(0, 8)}`;
}
