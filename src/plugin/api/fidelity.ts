/**
 * What a client may ask of a chat, named as OpenAI's protocol names it where it has a name. Kept as one list so that a provider's
 * declaration, the test that checks it, `GET /v1/capabilities` and the reference page speak of the same things.
 */
export const chatFeatures = [
  "system_prompt",
  "developer_prompt",
  "image_data",
  "image_url",
  "audio_input",
  "file_input",
  "tools",
  "tool_choice_required",
  "tool_choice_named",
  "tool_choice_none",
  "parallel_tool_calls_off",
  "tool_results",
  "parallel_tool_results",
  "json_object",
  "json_schema",
  "reasoning_effort",
  "reasoning_replay",
  "cache_control",
  "max_tokens",
  "stop",
  "temperature",
  "top_p",
  "top_k",
  "seed",
  "frequency_penalty",
  "presence_penalty",
  "logit_bias",
  "logprobs",
  "n",
  "user",
  "service_tier",
  "prediction",
  "audio_output",
  "web_search",
] as const;

export type ChatFeature = typeof chatFeatures[number];

/**
 * What becomes of a feature on its way to the backend.
 *
 * - `full`          it arrives as it was meant
 * - `approximated`  something near it arrives, and the loss is reported
 * - `dropped`       it is left out, and the loss is reported
 * - `refused`       the request is refused with an error that names it
 */
export type Fidelity = "full" | "approximated" | "dropped" | "refused";
