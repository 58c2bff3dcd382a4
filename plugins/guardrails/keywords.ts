import { definePlugin } from "intellirouter/plugin";
import type { Span } from "intellirouter/plugin";
import { z } from "zod";

const letter = /[\p{L}\p{N}\p{M}_]/u;

interface Term {
  readonly folded: string;
  readonly topic: string;
}

/** A text in small letters and without accents, with where each of its units stood. */
function fold(text: string): { readonly folded: string; readonly places: readonly number[] } {
  let folded = "";
  const places: number[] = [];
  let place = 0;
  for (const character of text) {
    const plain = character.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase();
    for (let unit = 0; unit < plain.length; unit++) places.push(place);
    folded += plain;
    place += character.length;
  }
  places.push(place);
  return { folded, places };
}

export default definePlugin({
  apiVersion: 1,
  kind: "guardrail",
  name: "keywords",
  description: "Blocks or replaces words and phrases by topic, whatever their case and accents.",
  options: z.strictObject({
    topics: z.record(z.string().min(1).max(64), z.array(z.string().min(1).max(200)).min(1).max(10_000))
      .describe(
        "Words and phrases by topic.",
      ),
    whole_words: z.boolean().default(true).describe("`art` does not stand in `start`."),
    replacement: z.string().max(200).optional().describe("Put in their place, in the place of blocking."),
  }),
  create({ topics, whole_words: isWhole, replacement }) {
    const terms: Term[] = Object.entries(topics).flatMap(([topic, words]) =>
      words.map((word) => ({ folded: fold(word.trim().replace(/\s+/g, " ")).folded, topic }))
    ).filter(({ folded }) => folded !== "").sort((one, other) => other.folded.length - one.folded.length);
    const longest = Math.max(2, ...terms.map(({ folded }) => folded.length * 2));
    return {
      longest,
      find({ text }) {
        const { folded, places } = fold(text);
        const spans: Span[] = [];
        for (const { folded: term, topic } of terms) {
          for (let at = folded.indexOf(term); at >= 0; at = folded.indexOf(term, at + term.length)) {
            const after = at + term.length;
            if (isWhole && (isLetter(folded, at - 1) || isLetter(folded, after))) continue;
            spans.push({
              start: places[at]!,
              end: places[after] ?? text.length,
              reason: `topic ${topic}`,
              ...(replacement === undefined ? {} : { replacement }),
            });
          }
        }
        return spans.sort((one, other) => one.start - other.start || other.end - one.end);
      },
    };
  },
});

function isLetter(text: string, at: number): boolean {
  const character = at < 0 ? undefined : text[at];
  return character !== undefined && letter.test(character);
}
