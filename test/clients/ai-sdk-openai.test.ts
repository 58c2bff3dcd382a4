import { aiSdkClient } from "./javascript/ai-sdk.ts";
import { aiSdkOpenAi } from "./javascript/ai-sdk-providers.ts";
import { testClient } from "./support/run-checks.ts";

testClient(aiSdkOpenAi.name, aiSdkClient(aiSdkOpenAi));
