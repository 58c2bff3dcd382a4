/**
 * English text has about four characters a token. The estimate serves limits and routing only; what is
 * charged is what the backend counted.
 */
const charactersPerToken = 4;

/** What an image or a file stands for where its real size is unknown. */
const attachmentTokens = 800;

export function tokensOf(characters: number): number {
  return Math.ceil(characters / charactersPerToken);
}

/** Estimated tokens of a message's content: text by its length, anything else by a flat rate. */
export function contentTokens(content: unknown): number {
  if (typeof content === "string") return tokensOf(content.length);
  if (!Array.isArray(content)) return 0;
  let tokens = 0;
  for (const part of content) {
    tokens += typeof part?.text === "string" ? tokensOf(part.text.length) : attachmentTokens;
  }
  return tokens;
}
