import type { Provider } from "intellirouter/plugin";

/** What becomes of what the API has no place for; the rest arrives. Models of some makers take less: `model-family.ts`. */
export const bedrockFidelity: NonNullable<Provider["fidelity"]> = {
  audio_output: "refused",
  frequency_penalty: "dropped",
  json_object: "approximated",
  logit_bias: "dropped",
  logprobs: "dropped",
  prediction: "dropped",
  presence_penalty: "dropped",
  seed: "dropped",
  web_search: "dropped",
};
