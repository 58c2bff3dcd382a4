import { expect, test } from "bun:test";
import { logprobsAreClean, mendLogprobs } from "./token-probabilities.ts";

const token = (more: object = {}) => ({ token: "a", logprob: -0.5, bytes: [97], top_logprobs: [], ...more });

test("faultless ones, and none, are clean", () => {
  const alternatives = [{ token: "a", logprob: -0.5, bytes: null }];
  for (
    const given of [undefined, null, {}, { content: null }, {
      content: [token({ top_logprobs: alternatives })],
    }]
  ) {
    expect([given, logprobsAreClean(given)]).toEqual([given, true]);
  }
});

test("what is missing is put in, and what is no token left out", () => {
  const given = {
    content: [
      { token: "a", logprob: null },
      "b",
      { logprob: -1 },
      token({ top_logprobs: [{ token: "c" }, null] }),
    ],
  };
  expect(logprobsAreClean(given)).toBe(false);
  const mended = mendLogprobs(given);
  expect(mended).toEqual({
    content: [
      { token: "a", logprob: -9999, bytes: null, top_logprobs: [] },
      token({ top_logprobs: [{ token: "c", logprob: -9999, bytes: null }] }),
    ],
    refusal: null,
  });
  expect(logprobsAreClean(mended)).toBe(true);
});

test("a list, or a word, is none", () => {
  for (const given of [[], "none", 7]) {
    expect([logprobsAreClean(given), mendLogprobs(given)]).toEqual([false, null]);
  }
});
