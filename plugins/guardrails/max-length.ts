import { definePlugin } from "intellirouter/plugin";
import { z } from "zod";

export default definePlugin({
  apiVersion: 1,
  kind: "guardrail",
  name: "max-length",
  description: "Blocks texts that are too long, or cuts them.",
  options: z.strictObject({
    characters: z.number().int().min(1).describe("Most characters of one text."),
    action: z.enum(["block", "cut"]).default("block").describe("`cut`: what is beyond is left out."),
  }),
  create: ({ characters, action }) => ({
    check({ text, kind }) {
      if (text.length <= characters) return { verdict: "pass" };
      const reason = `${text.length} of ${characters} characters`;
      // Half of an argument is no argument.
      if (action === "block" || kind === "arguments") return { verdict: "block", reason };
      const end = /[\uD800-\uDBFF]/.test(text[characters - 1]!) ? characters - 1 : characters;
      return { verdict: "replace", text: text.slice(0, end), reason };
    },
  }),
});
