import { anthropicClient } from "./javascript/anthropic.ts";
import { testClient } from "./support/run-checks.ts";

testClient("@anthropic-ai/sdk", anthropicClient);
