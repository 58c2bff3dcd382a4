import { aiSdkClient } from "./javascript/ai-sdk.ts";
import { aiSdkCompatible } from "./javascript/ai-sdk-providers.ts";
import { testClient } from "./support/run-checks.ts";

testClient(aiSdkCompatible.name, aiSdkClient(aiSdkCompatible));
