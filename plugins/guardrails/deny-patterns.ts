import { definePlugin } from "intellirouter/plugin";
import type { Span } from "intellirouter/plugin";
import { RE2JS } from "re2js";
import { z } from "zod";

const patternSchema = z.union([
  z.string().min(1).max(1_000),
  z.strictObject({
    pattern: z.string().min(1).max(1_000).describe(
      "A regular expression of RE2: no back-references, no look-around.",
    ),
    name: z.string().min(1).max(64).optional().describe("For records; its place in the list when absent."),
    replacement: z.string().max(1_000).optional().describe("Put in its place, in the place of blocking."),
  }),
]);

export default definePlugin({
  apiVersion: 1,
  kind: "guardrail",
  name: "deny-patterns",
  description: "Blocks or replaces what matches regular expressions, in time that grows with the text alone.",
  options: z.strictObject({
    patterns: z.array(patternSchema).min(1).max(1_000).describe("What is not allowed."),
    case_sensitive: z.boolean().default(false).describe("Capitals are told from small letters."),
    longest_match: z.number().int().min(1).max(100_000).default(256).describe(
      "A stream is held back by so many characters; a longer match may be missed there.",
    ),
  }),
  create({ patterns, case_sensitive: isSensitive, longest_match: longest }) {
    const flags = isSensitive ? 0 : RE2JS.CASE_INSENSITIVE;
    const compiled = patterns.map((entry, index) => {
      const { pattern, name = `pattern ${index + 1}`, replacement } = typeof entry === "string"
        ? { pattern: entry, name: undefined, replacement: undefined }
        : entry;
      try {
        return { expression: RE2JS.compile(pattern, flags), reason: name, replacement };
      } catch (error) {
        throw new Error(`${name} cannot be used: ${error instanceof Error ? error.message : error}`);
      }
    });
    return {
      longest,
      find({ text }) {
        const spans: Span[] = [];
        for (const { expression, reason, replacement } of compiled) {
          const matcher = expression.matcher(text);
          while (matcher.find()) {
            const [start, end] = [matcher.start(), matcher.end()];
            if (end > start) {
              spans.push({ start, end, reason, ...(replacement === undefined ? {} : { replacement }) });
            }
          }
        }
        return spans.sort((one, other) => one.start - other.start || other.end - one.end);
      },
    };
  },
});
