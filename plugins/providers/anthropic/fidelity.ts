import type { Provider } from "intellirouter/plugin";

/** What becomes of what the API has no place for; the rest arrives. Newer models take less: `model-traits.ts`. */
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
