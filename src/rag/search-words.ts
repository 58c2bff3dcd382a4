/** Words that a query may have; the rest of a long text says nothing new. */
const mostWords = 64;

/** Scripts that are written without spaces: their characters stand for words. */
const unspaced =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;
const unspacedRun = new RegExp(`${unspaced.source}+`, "gu");

/** A text as the index of words takes it: characters of scripts without spaces each become a word. */
export function indexable(text: string): string {
  return unspaced.test(text) ? text.replace(unspacedRun, (run) => ` ${[...run].join(" ")} `) : text;
}

/**
 * The words of a question as terms of FTS5, none twice. Each is in quotes, so that none is an operator; of scripts without spaces, each
 * two characters beside each other are a phrase.
 */
export function wordTerms(text: string): string[] {
  const words = text.toLowerCase().match(/[\p{L}\p{N}\p{M}]+/gu) ?? [];
  const terms = new Set(words.flatMap(termsOf));
  return [...terms].slice(0, mostWords).map((term) => `"${term}"`);
}

function termsOf(word: string): string[] {
  if (!unspaced.test(word)) return [word];
  return indexable(word).trim().split(/\s+/).reduce<string[]>((terms, part, index, parts) => {
    const next = parts[index + 1];
    if (next !== undefined && unspaced.test(part) && unspaced.test(next)) terms.push(`${part} ${next}`);
    else if (!unspaced.test(part) || parts.length === 1) terms.push(part);
    return terms;
  }, []);
}
