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

/**
 * Tokens that a request's prompt will hardly exceed, for what must not be exceeded: every text of it counts, wherever it stands, at
 * three characters a token, and at one where the script is not Latin; what is encoded in it (images, sound, documents) at a flat rate
 * or by its size, whichever is more.
 */
export function boundTokens(value: unknown): number {
  if (typeof value === "string") return boundOfText(value);
  if (typeof value !== "object" || value === null) return typeof value === "number" ? 2 : 0;
  let tokens = 0;
  if (Array.isArray(value)) { for (const item of value) tokens += boundTokens(item); }
  else {
    for (const name in value) tokens += 1 + boundTokens((value as Readonly<Record<string, unknown>>)[name]);
  }
  return tokens;
}

/** Longer texts without a space are no words but encoded bytes. */
const longestWord = 2_000;
/** Of a page of a document, which is tens of thousands of bytes, about as many tokens. */
const bytesPerEncodedToken = 24;

function boundOfText(text: string): number {
  if (text.length > longestWord && !text.slice(0, longestWord).includes(" ")) {
    return Math.max(2 * attachmentTokens, Math.ceil(text.length / bytesPerEncodedToken));
  }
  const bytes = Buffer.byteLength(text);
  // Every character beyond ASCII has at least one byte more than its place in the text.
  const foreign = bytes - text.length;
  return Math.ceil((text.length - foreign / 2) / 3 + foreign);
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
