import * as zod from "zod";
import * as plugin from "../plugin/api.ts";
import * as testing from "../plugin/testing.ts";
import { provideModules } from "../runtime/module-loader.ts";

/** Makes what plugins on disk may import available to them: our own API, and the very zod that we use. */
export function offerModules(): void {
  provideModules({ "intellirouter/plugin": plugin, "intellirouter/plugin/testing": testing, zod });
}
