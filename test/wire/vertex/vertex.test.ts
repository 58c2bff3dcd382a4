/** What differs from the Gemini API: addresses, credentials, and calls without ids. The rest of the wire is played there. */
import vertex from "../../../plugins/providers/vertex/index.ts";
import { playWireFixtures } from "../../support/wire-fixtures.ts";

playWireFixtures({ folder: import.meta.dir, plugin: vertex, least: 12 });
