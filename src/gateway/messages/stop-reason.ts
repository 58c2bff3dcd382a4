import type { MessageUsage } from "../../schema/message.ts";
import type { Usage } from "../../schema/chat-completion.ts";

/** Why the answer ended, in Anthropic's words. */
export function stopReason(finishReason: string | null | undefined): string {
  switch (finishReason) {
    case "length":
      return "max_tokens";
    case "tool_calls":
    case "function_call":
      return "tool_use";
    case "content_filter":
      return "refusal";
    default:
      return "end_turn";
  }
}

/** Anthropic counts cached tokens beside the input, OpenAI as a part of it (wire §2). */
export function messageUsage(usage: Usage | undefined): MessageUsage {
  const details = usage?.prompt_tokens_details as Readonly<Record<string, unknown>> | null | undefined;
  const read = Number(details?.cached_tokens ?? 0);
  const written = Number(details?.cache_write_tokens ?? 0);
  return {
    input_tokens: Math.max(0, (usage?.prompt_tokens ?? 0) - read - written),
    cache_creation_input_tokens: written,
    cache_read_input_tokens: read,
    output_tokens: usage?.completion_tokens ?? 0,
  };
}

/** What the books keep, of Anthropic's counts. */
export function chatUsage(usage: MessageUsage | undefined): Usage | undefined {
  if (usage === undefined || typeof usage.output_tokens !== "number") return undefined;
  const { input_tokens: input, cache_read_input_tokens: read, cache_creation_input_tokens: written } = usage;
  const prompt = (input ?? 0) + (read ?? 0) + (written ?? 0);
  return {
    prompt_tokens: prompt,
    completion_tokens: usage.output_tokens,
    total_tokens: prompt + usage.output_tokens,
    prompt_tokens_details: { cached_tokens: read ?? 0, cache_write_tokens: written ?? 0 },
  };
}
