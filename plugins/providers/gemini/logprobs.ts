import { asText, isObject, type Loose, objectsOf } from "../hub/loose.ts";

/** Likelihoods of tokens in OpenAI's form; undefined when there are none. */
export function toLogprobs(result: unknown): Loose | undefined {
  if (!isObject(result) || !Array.isArray(result.chosenCandidates)) return undefined;
  const tops = Array.isArray(result.topCandidates) ? result.topCandidates : [];
  const content = objectsOf(result.chosenCandidates).map((chosen, position) => ({
    ...toToken(chosen),
    top_logprobs: objectsOf(tops[position]?.candidates).map(toToken),
  }));
  return { content, refusal: null };
}

function toToken({ token, logProbability }: Loose) {
  const text = asText(token);
  return {
    token: text,
    // Of the certain the API says nothing, as 0 is what absent numbers are in its encoding.
    logprob: typeof logProbability === "number" ? logProbability : 0,
    bytes: [...new TextEncoder().encode(text)],
  };
}
