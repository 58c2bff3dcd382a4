import { expect, test } from "bun:test";
import { canonicalUsage } from "./usage.ts";

const counts = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 };

test("faultless usage is the given one, its details too", () => {
  const given = { ...counts, prompt_tokens_details: { cached_tokens: 1, audio_tokens: null }, cost: 0.1 };
  expect(canonicalUsage(given)).toBe(given);
});

test("details become integers, and what is none is left out", () => {
  const given = {
    ...counts,
    prompt_tokens_details: { cached_tokens: "2", audio_tokens: -1, note: "x" },
    completion_tokens_details: { reasoning_tokens: 1.5 },
  };
  expect(canonicalUsage(given) as unknown).toEqual({
    ...counts,
    prompt_tokens_details: { cached_tokens: 2, note: "x" },
    completion_tokens_details: { reasoning_tokens: 2 },
  });
});

test("details that are no object are left out", () => {
  expect(
    canonicalUsage({ ...counts, prompt_tokens_details: [], completion_tokens_details: "none" }) as unknown,
  ).toEqual(counts);
});

test("cached tokens under another name join the details", () => {
  expect(
    canonicalUsage({ ...counts, prompt_cache_hit_tokens: 2, prompt_tokens_details: { audio_tokens: 1 } }),
  )
    .toMatchObject({ prompt_tokens_details: { cached_tokens: 2, audio_tokens: 1 } });
});
