export { openLogFile } from "../../src/runtime/log-file.ts";
