import type { Usage } from "intellirouter/plugin";
import { asCount, asObject, asText, isObject, type Loose, objectsOf } from "../hub/loose.ts";

/** Gemini counts thoughts beside the answer, and what its own tools read beside the prompt; OpenAI counts them in. */
export function toUsage(given: unknown): Usage | undefined {
  if (!isObject(given)) return undefined;
  const prompt = asCount(given.promptTokenCount) + asCount(given.toolUsePromptTokenCount);
  const thoughts = asCount(given.thoughtsTokenCount);
  const completion = asCount(given.candidatesTokenCount) + thoughts;
  if (prompt + completion === 0) return undefined;
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: {
      cached_tokens: asCount(given.cachedContentTokenCount),
      ...byModality(given.promptTokensDetails),
    },
    completion_tokens_details: { reasoning_tokens: thoughts, ...byModality(given.candidatesTokensDetails) },
  };
}

/** OpenAI's word for the tier that served the request; undefined when it is not told. */
export function toServiceTier(usage: unknown): string | undefined {
  const tier = asText(asObject(usage).serviceTier).toLowerCase();
  return tier === "standard" ? "default" : tier === "flex" || tier === "priority" ? tier : undefined;
}

function byModality(details: unknown): Loose {
  const counts: Record<string, number> = {};
  for (const { modality, tokenCount } of objectsOf(details)) {
    const name = asText(modality).toLowerCase();
    if (name === "audio" || name === "image") counts[`${name}_tokens`] = asCount(tokenCount);
  }
  return counts;
}
