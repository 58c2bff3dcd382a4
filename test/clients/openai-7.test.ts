import { openAiClient } from "./javascript/openai.ts";
import { openAi7 } from "./javascript/openai-majors.ts";
import { testClient } from "./support/run-checks.ts";

testClient(openAi7.name, openAiClient(openAi7));
