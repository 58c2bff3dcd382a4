import { definePlugin } from "intellirouter/plugin";
import { z } from "zod";

interface Sign {
  readonly what: string;
  readonly expression: RegExp;
  /** How much it tells, of 1. */
  readonly weight: number;
}

/** What texts that want to be instructions have in common. Each is weak alone; together they tell. */
const signs: readonly Sign[] = [
  {
    what: "asks to ignore instructions",
    expression:
      /\b(?:ignore|disregard|forget|override|bypass)\b[^.!?\n]{0,40}\b(?:previous|prior|above|earlier|all|your|the|system)\b[^.!?\n]{0,30}\b(?:instructions?|prompts?|rules?|directions?|guidelines?|context|messages?)\b/gi,
    weight: 0.8,
  },
  {
    what: "asks to ignore instructions (German, French, Spanish)",
    expression:
      /\b(?:ignorier\w{0,3}|vergiss|missachte|ignorez|oubliez|ignora|olvida)\b[^.!?\n]{0,40}\b(?:anweisung\w{0,3}|regeln|vorgaben|instructions|consignes|r[eè]gles|instrucciones|reglas)\b/gi,
    weight: 0.8,
  },
  {
    what: "asks for the system prompt",
    expression:
      /\b(?:reveal|show|print|repeat|output|display|tell me|leak|dump)\b[^.!?\n]{0,40}\b(?:system prompt|initial prompt|hidden prompt|your (?:instructions|prompt|rules)|developer message|everything above|text above)\b/gi,
    weight: 0.6,
  },
  {
    what: "gives a new role without limits",
    expression:
      /\b(?:you are now|act as|pretend (?:to be|you are)|from now on you|roleplay as)\b[^.!?\n]{0,60}\b(?:dan|jailbroken|unrestricted|uncensored|unfiltered|without (?:\w{1,6} )?(?:restrictions|limits|rules|filters)|developer mode|no (?:rules|limits|restrictions))\b/gi,
    weight: 0.8,
  },
  {
    what: "names a known attack",
    expression: /\b(?:DAN mode|do anything now|jailbreak(?:ed)?|developer mode enabled|god mode)\b/gi,
    weight: 0.5,
  },
  {
    what: "imitates the marks of a conversation",
    expression:
      /<\|(?:im_start|im_end|system|user|assistant|endoftext|eot_id|start_header_id)\|>|\[\/?(?:INST|SYS)\]|<<\/?SYS>>|^\s{0,4}#{0,3}\s?(?:system|assistant|developer)\s{0,2}(?:message|prompt)?:\s/gim,
    weight: 0.6,
  },
  {
    what: "closes marks of its surroundings",
    expression:
      /<\/(?:context|document|documents|retrieved|system|instructions|user_input|data|passages?)>/gi,
    weight: 0.5,
  },
  {
    what: "speaks to the model about the user",
    expression:
      /\b(?:do not|don't|never)\b[^.!?\n]{0,20}\b(?:tell|inform|mention|reveal|alert)\b[^.!?\n]{0,20}\b(?:the user|anyone|them)\b/gi,
    weight: 0.4,
  },
  {
    what: "has an image carry data away",
    expression: /!\[[^\]]{0,100}\]\(https?:\/\/[^)\s]{1,300}[?&][^)\s]{0,300}=[^)\s]{0,300}\)/gi,
    weight: 0.5,
  },
  {
    what: "claims authority",
    expression:
      /\b(?:important|urgent|new|updated|admin(?:istrator)?|official)\b[^.!?\n]{0,15}\b(?:system )?(?:instruction|directive|override|policy)s?\b\s{0,2}[:!]/gi,
    weight: 0.4,
  },
  {
    what: "holds a long encoded text",
    expression: /(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{200,2000}={0,2}(?![A-Za-z0-9+/])/g,
    weight: 0.3,
  },
];

export default definePlugin({
  apiVersion: 1,
  kind: "guardrail",
  name: "prompt-injection",
  description:
    'Scores texts by signs of prompt injection, and blocks what reaches a threshold. Signs are no proof: watch first, with mode = "shadow".',
  options: z.strictObject({
    threshold: z.number().min(0.05).max(1).default(0.7).describe(
      "Score from which a text is blocked: 1 - the product of (1 - weight) of the signs in it.",
    ),
  }),
  create: ({ threshold }) => ({
    check({ text }) {
      const found = signs.filter(({ expression }) => text.search(expression) >= 0);
      const score = 1 - found.reduce((rest, { weight }) => rest * (1 - weight), 1);
      if (score < threshold) return { verdict: "pass" };
      return {
        verdict: "block",
        reason: `score ${score.toFixed(2)}: ${found.map(({ what }) => what).join(", ")}`,
      };
    },
  }),
});
