import type { Usage } from "intellirouter/plugin";
import { asCount, asObject, isObject, type Loose, objectsOf } from "../hub/loose.ts";

/**
 * Anthropic's counts as OpenAI's: there the prompt contains what was cached, here that comes on top (wire §2). Rounds of
 * compaction are billed and not in the totals, so they are added up; an answer of a fallback model already is the total.
 */
export function toUsage(value: unknown): Usage | undefined {
  if (!isObject(value)) return undefined;
  const { input, output } = totals(value);
  const read = asCount(value.cache_read_input_tokens);
  const written = asCount(value.cache_creation_input_tokens);
  const prompt = input + read + written;
  const { thinking_tokens: thought } = asObject(value.output_tokens_details);
  return {
    prompt_tokens: prompt,
    completion_tokens: output,
    total_tokens: prompt + output,
    prompt_tokens_details: { cached_tokens: read, cache_write_tokens: written },
    ...(typeof thought === "number" ? { completion_tokens_details: { reasoning_tokens: thought } } : {}),
    ...(isObject(value.server_tool_use) ? { server_tool_use: value.server_tool_use } : {}),
  };
}

function totals(usage: Loose): { readonly input: number; readonly output: number } {
  const rounds = objectsOf(usage.iterations);
  const own = rounds.filter(({ type }) => type === "message" || type === "compaction");
  if (own.length === 0 || rounds.some(({ type }) => type === "fallback_message")) {
    return { input: asCount(usage.input_tokens), output: asCount(usage.output_tokens) };
  }
  return {
    input: own.reduce((sum, round) => sum + asCount(round.input_tokens), 0),
    output: own.reduce((sum, round) => sum + asCount(round.output_tokens), 0),
  };
}

/** The tier in OpenAI's words. */
export function toServiceTier(usage: unknown): "default" | "priority" | undefined {
  const { service_tier: tier } = asObject(usage);
  if (tier === "standard") return "default";
  return tier === "priority" ? tier : undefined;
}
