type Loose = Readonly<Record<string, unknown>>;

/** What the protocol says of a token that is too improbable to have a number. */
const leastProbable = -9999;

/** Whether the probabilities of a choice have every field that strict clients insist on. */
export function logprobsAreClean(given: unknown): boolean {
  if (given === undefined || given === null) return true;
  if (typeof given !== "object" || Array.isArray(given)) return false;
  const { content, refusal } = given as Loose;
  return tokensAreClean(content) && tokensAreClean(refusal);
}

/** The same as they should have been; null when they are none. */
export function mendLogprobs(given: unknown): Loose | null {
  if (typeof given !== "object" || given === null || Array.isArray(given)) return null;
  const { content, refusal, ...rest } = given as Loose;
  return { ...rest, content: mendTokens(content), refusal: mendTokens(refusal) };
}

function tokensAreClean(given: unknown): boolean {
  if (given === undefined || given === null) return true;
  return Array.isArray(given) &&
    given.every((token) =>
      tokenIsClean(token) && Array.isArray(token.top_logprobs) && token.top_logprobs.every(tokenIsClean)
    );
}

function tokenIsClean(given: unknown): given is Loose {
  if (typeof given !== "object" || given === null) return false;
  const { token, logprob, bytes } = given as Loose;
  return typeof token === "string" && typeof logprob === "number" &&
    (bytes === undefined || bytes === null || Array.isArray(bytes));
}

function mendTokens(given: unknown): Loose[] | null {
  if (!Array.isArray(given)) return null;
  return given.flatMap((token) =>
    mendToken(token).map((mended) => ({
      ...mended,
      top_logprobs: Array.isArray(token.top_logprobs) ? token.top_logprobs.flatMap(mendToken) : [],
    }))
  );
}

function mendToken(given: unknown): Loose[] {
  if (typeof given !== "object" || given === null) return [];
  const { token, logprob, bytes, ...rest } = given as Loose;
  if (typeof token !== "string") return [];
  return [{
    ...rest,
    token,
    logprob: typeof logprob === "number" ? logprob : leastProbable,
    bytes: Array.isArray(bytes) ? bytes : null,
  }];
}
