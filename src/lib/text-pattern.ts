/**
 * A check of texts against patterns, in which `*` stands for any text. Patterns are compared as text and not as
 * regular expressions, so they cannot be slow.
 */
export function textMatcher(patterns: readonly string[]): (text: string) => boolean {
  if (patterns.includes("*")) return () => true;
  const compiled = patterns.map((pattern) => pattern.split("*"));
  return (text) => compiled.some((parts) => matches(text, parts));
}

function matches(text: string, parts: readonly string[]): boolean {
  const [first = "", ...rest] = parts;
  if (rest.length === 0) return text === first;
  if (!text.startsWith(first)) return false;
  const last = rest.pop()!;
  let position = first.length;
  for (const part of rest) {
    const found = text.indexOf(part, position);
    if (found < 0) return false;
    position = found + part.length;
  }
  return text.length - last.length >= position && text.endsWith(last);
}
