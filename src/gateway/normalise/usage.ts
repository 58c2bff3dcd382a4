import { isPlainObject, isUnsigned } from "./loose-values.ts";
import type { Usage } from "../../schema/chat-completion.ts";

type Loose = Readonly<Record<string, unknown>>;

/**
 * Token counts as the protocol wants them, three integers that add up, from whatever a backend gives. Undefined when it
 * gives nothing usable. Details that the backend has are kept.
 */
export function canonicalUsage(value: unknown): Usage | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const usage = value as Loose;
  const prompt = count(usage.prompt_tokens) ?? count(usage.input_tokens);
  const completion = count(usage.completion_tokens) ?? count(usage.output_tokens);
  if (prompt === undefined && completion === undefined) return undefined;
  const total = count(usage.total_tokens);
  const promptTokens = prompt ?? Math.max(0, (total ?? 0) - completion!);
  const completionTokens = completion ?? Math.max(0, (total ?? 0) - promptTokens);
  if (
    usage.prompt_tokens === promptTokens && usage.completion_tokens === completionTokens &&
    usage.total_tokens === total &&
    total !== undefined && usage.prompt_cache_hit_tokens === undefined &&
    detailNames.every((name) => detailsAreClean(usage[name]))
  ) return value as Usage;
  const cached = count(usage.prompt_cache_hit_tokens);
  const { prompt_tokens_details: promptDetails, completion_tokens_details: completionDetails, ...rest } =
    usage;
  const details = mendDetails(promptDetails);
  return {
    ...rest,
    ...(isPlainObject(promptDetails) ? { prompt_tokens_details: details } : {}),
    ...(isPlainObject(completionDetails)
      ? { completion_tokens_details: mendDetails(completionDetails) }
      : {}),
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: total ?? promptTokens + completionTokens,
    ...(cached === undefined ? {} : { prompt_tokens_details: { cached_tokens: cached, ...details } }),
  } as Usage;
}

/** Where backends put the usage of a stream's chunk: at the top, or in a field of their own. */
export function usageOfChunk(chunk: Loose): unknown {
  if (chunk.usage !== undefined && chunk.usage !== null) return chunk.usage;
  for (const key in chunk) {
    if (!key.startsWith("x_")) continue;
    const usage = (chunk[key] as Loose | null | undefined)?.usage;
    if (usage !== undefined && usage !== null) return usage;
  }
  return undefined;
}

const detailNames = ["prompt_tokens_details", "completion_tokens_details"];

function detailsAreClean(given: unknown): boolean {
  if (given === undefined || given === null) return true;
  return isPlainObject(given) &&
    Object.entries(given).every(([name, value]) =>
      !isTokenCount(name) || value === null || isUnsigned(value)
    );
}

/** Counts as integers; what is none is left out. */
function mendDetails(given: unknown): Loose | undefined {
  if (!isPlainObject(given)) return undefined;
  const entries = Object.entries(given).flatMap(([name, value]): [string, unknown][] => {
    if (!isTokenCount(name)) return [[name, value]];
    const number = count(value);
    return number === undefined ? [] : [[name, number]];
  });
  return Object.fromEntries(entries);
}

const isTokenCount = (name: string) => name.endsWith("_tokens");

function count(value: unknown): number | undefined {
  const number = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
  return typeof number === "number" && Number.isFinite(number) && number >= 0
    ? Math.round(number)
    : undefined;
}
