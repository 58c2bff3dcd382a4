/** A small deterministic generator (mulberry32), seeded by a text: the same prompt always gets the same answer. */
export function seededRandom(seed: string): () => number {
  let state = 0x811c9dc5;
  for (let index = 0; index < seed.length; index++) {
    state = Math.imul(state ^ seed.charCodeAt(index), 0x01000193);
  }
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

const openings = [
  "That is a good question.",
  "Let me think about it.",
  "Here is a short answer.",
  "Certainly.",
  "There are a few things to say.",
];

const sentences = [
  "A request travels from the client to the gateway, and from there to a model.",
  "The gateway picks the target that fits best and remembers why.",
  "When a backend is slow or away, the next one takes over before the first word.",
  "Streams arrive piece by piece, in order, and end properly.",
  "Every token is counted, and every decision leaves a record.",
  "Small boxes and large clusters run the same file.",
  "A good tool is quiet when all is well and clear when it is not.",
];

/** A plausible text that names its subject, and says that nobody meant it. */
export function answerText(prompt: string, variant: number): string {
  const random = seededRandom(`${prompt}#${variant}`);
  const pick = (list: readonly string[]) => list[Math.floor(random() * list.length)]!;
  const subject = prompt.replace(/\s+/g, " ").trim().slice(0, 60);
  const body = Array.from({ length: 2 + Math.floor(random() * 2) }, () => pick(sentences));
  const about = subject === "" ? "You said nothing." : `You said: "${subject}".`;
  return [pick(openings), about, ...new Set(body), "(This is mock-llama: nobody thought about this answer.)"]
    .join(" ");
}

/** Pieces of about one token each; joined they are the text. */
export function pieces(text: string): string[] {
  return text.match(/\s*\S{1,6}/g) ?? (text === "" ? [] : [text]);
}
