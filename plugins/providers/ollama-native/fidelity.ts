import type { Provider } from "intellirouter/plugin";

/** What becomes of features on the way to Ollama; the rest arrives as it was meant. */
export const ollamaFidelity: NonNullable<Provider["fidelity"]> = {
  audio_input: "refused",
  file_input: "refused",
  tool_choice_required: "approximated",
  tool_choice_named: "approximated",
  parallel_tool_calls_off: "dropped",
  reasoning_effort: "approximated",
  cache_control: "dropped",
  logit_bias: "dropped",
  user: "dropped",
  service_tier: "dropped",
  prediction: "dropped",
  audio_output: "refused",
  web_search: "dropped",
};
