import type { Usage } from "../../schema/chat-completion.ts";
import type { ResponseUsage } from "../../schema/response.ts";

type Loose = Readonly<Record<string, unknown>>;

/** Chat's token counts as Responses names them; strict clients want the details, too. */
export function responseUsage(usage: Usage | undefined): ResponseUsage | null {
  if (usage === undefined) return null;
  const { prompt_tokens: input, completion_tokens: output, total_tokens: total } = usage;
  return {
    input_tokens: input,
    input_tokens_details: {
      cached_tokens: count(usage.prompt_tokens_details?.cached_tokens),
      cache_write_tokens: count(usage.prompt_tokens_details?.cache_write_tokens),
    },
    output_tokens: output,
    output_tokens_details: { reasoning_tokens: count(usage.completion_tokens_details?.reasoning_tokens) },
    total_tokens: total,
  };
}

/** What the books keep, of a response's own counts. */
export function chatUsage(usage: unknown): Usage | undefined {
  const { input_tokens: input, output_tokens: output, total_tokens: total, ...rest } = (usage ?? {}) as Loose;
  if (typeof input !== "number" || typeof output !== "number") return undefined;
  const inputDetails = (rest.input_tokens_details ?? {}) as Loose;
  const outputDetails = (rest.output_tokens_details ?? {}) as Loose;
  return {
    prompt_tokens: input,
    completion_tokens: output,
    total_tokens: typeof total === "number" ? total : input + output,
    prompt_tokens_details: {
      cached_tokens: count(inputDetails.cached_tokens),
      cache_write_tokens: count(inputDetails.cache_write_tokens),
    },
    completion_tokens_details: { reasoning_tokens: count(outputDetails.reasoning_tokens) },
  };
}

function count(value: unknown): number {
  return typeof value === "number" && Number.isFinite(value) ? Math.max(0, Math.round(value)) : 0;
}
