/** So many characters in a row that are also in the prompt are taken for a piece of it. */
const shortest = 8;
const longestText = 400;
/** Beyond this the comparison would cost more than the words of a backend are worth. */
const longestPrompt = 65_536;

const mark = "[…]";
export const leftOut = "The backend's words are left out: they may repeat the request.";

/**
 * What a backend said is wrong, without what it repeats of the request: prompts are in no record and in no log.
 *
 * @param prompt the prompt as one text; undefined where the gateway has not read it.
 */
export function withoutEcho(text: string, prompt: string | undefined): string {
  if (prompt === undefined || prompt.length > longestPrompt) return leftOut;
  const short = text.length > longestText ? `${text.slice(0, longestText)}…` : text;
  if (prompt.length < shortest) return short;
  let result = "";
  let position = 0;
  while (position + shortest <= short.length) {
    if (!prompt.includes(short.slice(position, position + shortest))) {
      result += short[position++];
      continue;
    }
    let end = position + shortest;
    while (end < short.length && prompt.includes(short.slice(end - shortest + 1, end + 1))) end++;
    result += mark;
    position = end;
  }
  return result + short.slice(position);
}
