import { langChainClient } from "./javascript/langchain.ts";
import { testClient } from "./support/run-checks.ts";

testClient("@langchain/openai", langChainClient);
