/** Where a text is best cut, best first: paragraphs, lines, sentences, words. */
const breaks = [/\n\s*\n/g, /\n/g, /[.!?…。！？]["'”’)\]]*\s+/g, /\s+/g];

/**
 * Cuts a text into pieces of at most so many characters: at the end of a paragraph, else of a line, a sentence, a word,
 * and within a word only where one is longer than a piece. Put one after the other they are the text.
 *
 * @param size in UTF-16 units, at least 2.
 */
export function chunkText(text: string, size: number): string[] {
  if (!(size >= 2)) throw new RangeError(`a piece must have room for 2 characters, not ${size}`);
  const chunks: string[] = [];
  let start = 0;
  while (text.length - start > size) {
    const end = start + cut(text.slice(start, start + size));
    chunks.push(text.slice(start, end));
    start = end;
  }
  if (start < text.length) chunks.push(text.slice(start));
  return chunks;
}

/** The best place to cut, in the latter half of what fits; whitespace stays with what is before it. */
function cut(window: string): number {
  for (const pattern of breaks) {
    let best = 0;
    for (const match of window.matchAll(pattern)) best = match.index + match[0].length;
    if (best >= window.length / 2) return best;
  }
  const isPair = /[\uD800-\uDBFF]$/.test(window);
  return isPair ? window.length - 1 : window.length;
}
