import { definePlugin } from "intellirouter/plugin";
import { z } from "zod";
import { isAddress, isSocialSecurityNumber, passesIban, passesLuhn } from "./checksums.ts";
import { findMatches, type Pattern, spanFor } from "./find-matches.ts";

const kinds = ["email", "phone", "card", "iban", "ip", "ssn", "mac", "passport"] as const;
type Kind = typeof kinds[number];

/** No repetition within a repetition, so that no text makes them slow. */
const patterns: Readonly<Record<Kind, Pattern>> = {
  email: {
    reason: "e-mail address",
    expression: /(?<![\w.+-])[\p{L}\p{N}._%+-]{1,64}@[\p{L}\p{N}.-]{1,190}\.\p{L}{2,24}(?![\p{L}\p{N}])/gu,
  },
  card: {
    reason: "card number",
    expression: /(?<![\d.])\d(?:[ -]?\d){12,18}(?![\d.]?\d)/g,
    isReal: (match) => {
      const digits = match.replace(/\D/g, "");
      return /^[2-6]/.test(digits) && passesLuhn(digits);
    },
  },
  iban: {
    reason: "bank account (IBAN)",
    expression: /(?<![\p{L}\p{N}])[A-Za-z]{2}\d{2}(?:[ -]?[A-Za-z0-9]){11,30}(?![\p{L}\p{N}])/gu,
    isReal: passesIban,
  },
  ssn: {
    reason: "social security number",
    expression: /(?<![\d-])\d{3}[ -]\d{2}[ -]\d{4}(?![\d-])/g,
    isReal: isSocialSecurityNumber,
  },
  phone: {
    reason: "telephone number",
    expression:
      /(?<![\w.+-])(?:\+\d{1,3}[ .-]?(?:\(0\))?|0|\(\d{2,5}\))[ .-]?\(?\d{1,5}\)?(?:[ ./-]?\d{1,4}){2,5}(?![\w-])/g,
    isReal: (match) => {
      const digits = match.replace(/\D/g, "");
      return digits.length >= 8 && digits.length <= 15;
    },
  },
  ip: {
    reason: "network address",
    expression:
      /(?<![\d.])\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}(?![\d.]?\d)|(?<![\p{L}\p{N}:])(?:[0-9A-Fa-f]{1,4}:){7}[0-9A-Fa-f]{1,4}(?![\p{L}\p{N}:])/gu,
    isReal: (match) => match.includes(":") || isAddress(match),
  },
  mac: {
    reason: "hardware address",
    expression: /(?<![0-9A-Fa-f:-])[0-9A-Fa-f]{2}(?:[:-][0-9A-Fa-f]{2}){5}(?![0-9A-Fa-f:-])/g,
  },
  passport: {
    reason: "passport number",
    expression: /(?<=\bpassport(?:\s{1,3}(?:no\.?|number|nr\.?))?[:\s#]{1,3})[A-Z0-9]{6,9}(?![A-Z0-9])/gi,
    isReal: (match) => /\d/.test(match),
  },
};

/** The longest thing that the patterns find: an e-mail address. */
const longest = 320;

export default definePlugin({
  apiVersion: 1,
  kind: "guardrail",
  name: "pii",
  description:
    "Finds personal data: e-mail addresses, telephone numbers, cards, bank accounts, network addresses. Numbers are held against their checksums.",
  options: z.strictObject({
    kinds: z.array(z.enum(kinds)).min(1).default([...kinds]).describe("What is looked for."),
    action: z.enum(["placeholder", "replace", "block"]).default("placeholder").describe(
      "`placeholder`: `[EMAIL_1]`, which becomes the address again in the answer; `replace`: `[EMAIL]`, for good; `block`.",
    ),
    allow: z.array(z.string().min(1).max(320)).max(1_000).default([]).describe(
      "Values, or ends of them such as `@example.com`, that may pass.",
    ),
  }),
  create({ kinds: wanted, action, allow }) {
    const looked = wanted.map((kind) => ({ ...patterns[kind], kind }));
    const allowed = allow.map((value) => value.toLowerCase());
    return {
      longest,
      find: ({ text }) =>
        findMatches(text, looked)
          .filter(({ start, end }) => {
            const value = text.slice(start, end).toLowerCase();
            return !allowed.some((one) => value.endsWith(one));
          })
          .map((match) => spanFor(match, match.pattern.reason, action, match.pattern.kind.toUpperCase())),
    };
  },
});
