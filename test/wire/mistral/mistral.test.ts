/** Requests and answers in the shapes of Mistral's API (types of @mistralai/mistralai 2.7), one file each. */
import mistral from "../../../plugins/providers/mistral/index.ts";
import { playWireFixtures } from "../../support/wire-fixtures.ts";

playWireFixtures({ folder: import.meta.dir, plugin: mistral, least: 30 });
