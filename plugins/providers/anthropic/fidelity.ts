import type { Provider } from "intellirouter/plugin";

/** What of a chat the Messages API cannot carry; the matrix in `test/fidelity` holds this to what really happens. */
export const anthropicFidelity: NonNullable<Provider["fidelity"]> = {
  audio_input: "refused",
  json_object: "approximated",
  reasoning_effort: "approximated",
  seed: "dropped",
  frequency_penalty: "dropped",
  presence_penalty: "dropped",
  logit_bias: "dropped",
  logprobs: "dropped",
  service_tier: "dropped",
  prediction: "dropped",
  audio_output: "refused",
  web_search: "dropped",
};
