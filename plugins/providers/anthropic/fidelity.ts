import type { Provider } from "intellirouter/plugin";

/**
 * What of a chat the Messages API cannot carry; the matrix in `test/fidelity` holds this to what really happens. Newer models take
 * less: `model-traits.ts`.
 */
export const anthropicFidelity: NonNullable<Provider["fidelity"]> = {
  audio_input: "refused",
  audio_output: "refused",
  frequency_penalty: "dropped",
  json_object: "approximated",
  logit_bias: "dropped",
  logprobs: "dropped",
  prediction: "dropped",
  presence_penalty: "dropped",
  seed: "dropped",
  service_tier: "dropped",
  web_search: "approximated",
};
