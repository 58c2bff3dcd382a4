/**
 * Characters that nobody sees and models read: a text can carry another one in them. The lists are those of Unicode's default-ignorable
 * characters (UTS #39, "Unicode Security Mechanisms"), with what scripts and emoji really need of them left alone.
 */
const suspicious =
  /[\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200d\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\u{1d173}-\u{1d17a}\u{e0000}-\u{e0fff}]/u;

/** A flag of England, Scotland, Wales and the like: a black flag, the place's letters as tags, the end (UTS #51, ED-14a). */
const flag = "\\u{1f3f4}[\\u{e0030}-\\u{e0039}\\u{e0061}-\\u{e007a}]{3,6}\\u{e007f}";
/** Scripts in which joiners change what is read. */
const joiningScripts = [
  "Arabic",
  "Syriac",
  "Mongolian",
  "Nko",
  "Devanagari",
  "Bengali",
  "Gurmukhi",
  "Gujarati",
  "Oriya",
  "Tamil",
  "Telugu",
  "Kannada",
  "Malayalam",
  "Sinhala",
  "Tibetan",
  "Myanmar",
  "Khmer",
].map((script) => `\\p{Script=${script}}`).join("");

/** What is kept, and what is not, in the order in which it is tried at every place. */
const parts = new RegExp(
  [
    `(?<flag>${flag})`,
    // The parts of one emoji: a family, a rainbow flag.
    `(?<joined>(?<=[\\p{Extended_Pictographic}\\p{Emoji_Modifier}\\ufe0f])\\u200d(?=\\p{Extended_Pictographic}|$))`,
    `(?<script>(?<=[${joiningScripts}])[\\u200c\\u200d])`,
    // Whether an emoji is drawn or written; keycaps.
    `(?<drawn>(?<=[\\p{Extended_Pictographic}\\p{Emoji}])[\\ufe0e\\ufe0f])`,
    `(?<variant>(?<=\\p{Script=Han})[\\ufe00-\\ufe02\\u{e0100}-\\u{e01ef}]|(?<=\\p{Script=Mongolian})[\\u180b-\\u180f]|(?<=\\p{Sm})\\ufe00)`,
    // What stands where the rest is not there yet.
    `(?<first>^[\\u200c\\u200d\\ufe0e\\ufe0f])`,
    `(?<hidden>${suspicious.source})`,
  ].join("|"),
  "gu",
);

/** Whether there is anything in a text that may have to go. Quick. */
export function maybeHidden(text: string): boolean {
  return suspicious.test(text);
}

/** Takes out of a text what nobody sees; the very same text where there is nothing of the kind. */
export function withoutHidden(text: string): string {
  if (!suspicious.test(text)) return text;
  return text.replace(parts, (found, ...rest) => {
    const groups = rest.at(-1) as { readonly hidden?: string };
    return groups.hidden === undefined ? found : "";
  });
}
