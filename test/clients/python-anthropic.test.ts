import { pythonAnthropic } from "./support/foreign-client.ts";
import { testForeignClient } from "./support/run-checks.ts";

testForeignClient(pythonAnthropic);
