import OpenAI from "openai";
import OpenAI4 from "openai-v4";
import OpenAI6 from "openai-v6";
import type { Major } from "./openai.ts";

// Their types differ in what the checks do not touch.
export const openAi4: Major = {
  name: "openai 4",
  OpenAI: OpenAI4 as never,
  helpers: (client) => (client as unknown as OpenAI4).beta.chat.completions as never,
};

export const openAi6: Major = {
  name: "openai 6",
  OpenAI: OpenAI6 as never,
  helpers: (client) => client.chat.completions,
};

export const openAi7: Major = {
  name: "openai 7",
  OpenAI,
  helpers: (client) => client.chat.completions,
};
