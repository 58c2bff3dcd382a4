/** Requests and answers in the shapes of Ollama's own API (types of ollama-js 0.6), one file each. */
import ollamaNative from "../../../plugins/providers/ollama-native/index.ts";
import { playWireFixtures } from "../../support/wire-fixtures.ts";

playWireFixtures({ folder: import.meta.dir, plugin: ollamaNative, least: 31 });
