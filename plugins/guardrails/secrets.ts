import { definePlugin } from "intellirouter/plugin";
import { z } from "zod";
import { findMatches, type Pattern, spanFor } from "./find-matches.ts";

/** Bits of one character of a text. */
function entropy(text: string): number {
  const counts = new Map<string, number>();
  for (const character of text) counts.set(character, (counts.get(character) ?? 0) + 1);
  let bits = 0;
  for (const count of counts.values()) bits -= (count / text.length) * Math.log2(count / text.length);
  return bits;
}

const before = "(?<![\\w-])";
const after = "(?![\\w-])";
const shaped = (reason: string, shape: string): Pattern => ({
  reason,
  expression: new RegExp(`${before}${shape}${after}`, "g"),
});

/** Keys whose issuers have given them a shape, so that they are found. */
const shapes: readonly Pattern[] = [
  shaped("API key (sk-…)", "sk-(?:proj-|svcacct-|admin-|ant-|or-v1-|ir-)?[A-Za-z0-9_-]{20,250}"),
  shaped("AWS access key", "(?:AKIA|ASIA)[A-Z0-9]{16}"),
  shaped("Google API key", "AIza[A-Za-z0-9_-]{35}"),
  shaped("GitHub token", "(?:gh[pousr]_[A-Za-z0-9]{36,251}|github_pat_[A-Za-z0-9_]{22,255})"),
  shaped("GitLab token", "glpat-[A-Za-z0-9_-]{20,64}"),
  shaped("Slack token", "xox[abeoprs]-[A-Za-z0-9-]{10,250}"),
  shaped("Stripe key", "(?:sk|rk|whsec)_(?:live_|test_)?[A-Za-z0-9]{16,250}"),
  shaped("Hugging Face token", "hf_[A-Za-z0-9]{30,60}"),
  shaped("npm token", "npm_[A-Za-z0-9]{36}"),
  shaped("PyPI token", "pypi-[A-Za-z0-9_-]{50,250}"),
  shaped("Twilio key", "SK[0-9a-f]{32}"),
  shaped("SendGrid key", "SG\\.[A-Za-z0-9_-]{16,32}\\.[A-Za-z0-9_-]{16,64}"),
  shaped("JSON web token", "eyJ[A-Za-z0-9_-]{10,400}\\.eyJ[A-Za-z0-9_-]{10,1200}\\.[A-Za-z0-9_-]{10,700}"),
  {
    reason: "private key",
    expression:
      /-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----(?:[A-Za-z0-9+/=\s:,-]{0,1900}?-----END [A-Z ]{0,30}PRIVATE KEY-----)?/g,
  },
  {
    reason: "password in an address",
    expression: /(?<=\b[a-z][a-z0-9+.-]{1,20}:\/\/[^\s:@/]{1,100}:)[^\s:@/]{3,200}(?=@)/gi,
  },
];

/** `password = "…"`, `api_key: …`: what stands behind a telling name and is no word. */
const assigned: Pattern = {
  reason: "assigned secret",
  expression:
    /(?<=\b(?:api[_-]?key|secret(?:[_-]?key)?|access[_-]?token|auth[_-]?token|password|passwd|client[_-]?secret)["']?\s{0,3}[:=]{1,2}\s{0,3}["']?)[^\s"',;]{8,200}/gi,
};

export default definePlugin({
  apiVersion: 1,
  kind: "guardrail",
  name: "secrets",
  description:
    "Finds keys, tokens and passwords by their shapes, and by how random what stands behind a telling name is.",
  options: z.strictObject({
    action: z.enum(["block", "replace", "placeholder"]).default("replace").describe(
      "`replace`: `[SECRET]`; `placeholder`: `[SECRET_1]`, which becomes the secret again in the answer; `block`.",
    ),
    assignments: z.boolean().default(true).describe(
      "Also what stands behind `password =`, `api_key:` and the like.",
    ),
    min_entropy: z.number().min(0).max(6).default(3).describe(
      "Bits a character that such a value must have, so that words pass.",
    ),
  }),
  create({ action, assignments, min_entropy: least }) {
    const patterns = assignments
      ? [...shapes, { ...assigned, isReal: (value: string) => entropy(value) >= least }]
      : shapes;
    return {
      longest: 2_048,
      find: ({ text }) =>
        findMatches(text, patterns).map((match) => spanFor(match, match.pattern.reason, action, "SECRET")),
    };
  },
});
