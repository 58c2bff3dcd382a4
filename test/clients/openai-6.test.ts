import { openAiClient } from "./javascript/openai.ts";
import { openAi6 } from "./javascript/openai-majors.ts";
import { testClient } from "./support/run-checks.ts";

testClient(openAi6.name, openAiClient(openAi6));
