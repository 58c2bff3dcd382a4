import type { Provider } from "intellirouter/plugin";

/** What becomes of features on the way to Gemini models; the rest arrives as it was meant. */
export const geminiFidelity: NonNullable<Provider["fidelity"]> = {
  parallel_tool_calls_off: "dropped",
  cache_control: "dropped",
  logit_bias: "dropped",
  user: "dropped",
  prediction: "dropped",
  audio_output: "refused",
  web_search: "approximated",
};
