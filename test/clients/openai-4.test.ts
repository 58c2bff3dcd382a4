import { openAiClient } from "./javascript/openai.ts";
import { openAi4 } from "./javascript/openai-majors.ts";
import { testClient } from "./support/run-checks.ts";

testClient(openAi4.name, openAiClient(openAi4));
