import type { Provider } from "intellirouter/plugin";

/** What becomes of features on the way to Mistral; the rest arrives as it was meant. */
export const mistralFidelity: NonNullable<Provider["fidelity"]> = {
  cache_control: "dropped",
  top_k: "dropped",
  logit_bias: "dropped",
  logprobs: "dropped",
  user: "dropped",
  service_tier: "dropped",
  audio_output: "refused",
  web_search: "dropped",
};
