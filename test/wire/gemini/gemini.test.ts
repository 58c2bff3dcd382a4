/** Requests and answers in the shapes of the Gemini API (types of @google/genai 2.32), one file each. */
import gemini from "../../../plugins/providers/gemini/index.ts";
import { playWireFixtures } from "../../support/wire-fixtures.ts";

playWireFixtures({ folder: import.meta.dir, plugin: gemini, least: 54 });
