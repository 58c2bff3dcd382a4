/** Requests and answers in the shapes of Anthropic's Messages API (types of @anthropic-ai/sdk 1.12), one file each. */
import anthropic from "../../../plugins/providers/anthropic/index.ts";
import { playWireFixtures } from "../../support/wire-fixtures.ts";

playWireFixtures({ folder: import.meta.dir, plugin: anthropic, least: 45 });
