import { pythonOpenAi } from "./support/foreign-client.ts";
import { testForeignClient } from "./support/run-checks.ts";

testForeignClient(pythonOpenAi);
