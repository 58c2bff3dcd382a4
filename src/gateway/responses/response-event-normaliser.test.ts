import { describe, expect, test } from "bun:test";
import { asResponseEvents, normaliserOptions, turnOf } from "../../../test/support/response-fixtures.ts";
import { checkResponseStream } from "../../../test/support/strict-response-checker.ts";
import { piece, sse } from "../../../test/support/stream-mutations.ts";
import { ApiError } from "../../lib/api-error.ts";
import { isUpstreamError } from "../../plugin/api/upstream-error.ts";
import { ResponseEventNormaliser } from "./response-event-normaliser.ts";
import type { ResponseTurn } from "./response-turn.ts";

type Loose = Record<string, unknown>;

/** What a backend of this protocol sends, told to keep nothing. */
const backend = turnOf({ store: false }, { id: "resp_backend", store: false });
const good = asResponseEvents(
  sse(piece({ role: "assistant", content: "" }), piece({ content: "Hello" }), piece({}, "stop")),
  backend,
)
  // Written with more space than the gateway would.
  .map((text) => text.replace('"sequence_number":', '"sequence_number": '));
const stateless = () => turnOf({ store: false }, { store: false });

function run(
  texts: readonly string[],
  turn: ResponseTurn = stateless(),
  options: Partial<typeof normaliserOptions> = {},
) {
  const normaliser = new ResponseEventNormaliser({ ...normaliserOptions, ...options }, turn);
  const out: string[] = [];
  let failure: unknown;
  try {
    for (const text of texts) normaliser.push({ chunk: JSON.parse(text), text }, out);
    normaliser.finish();
  } catch (error) {
    failure = error;
    out.push(...normaliser.fail(new ApiError({ status: 502, message: "It broke." })));
  }
  return { out, failure, normaliser };
}

const edit = (text: string, change: Loose) => JSON.stringify({ ...JSON.parse(text), ...change });
const event = (type: string, more: Loose = {}) => JSON.stringify({ type, sequence_number: 0, ...more });

test("a faultless stream passes as the very texts that it came in", () => {
  const turn = stateless();
  const { out, failure, normaliser } = run(good, turn);
  expect(failure).toBeUndefined();
  expect(out).toEqual(good);
  expect(turn.response?.id).toBe("resp_backend");
  expect(normaliser.outputCharacters).toBe(5);
});

test("where the gateway keeps the conversation, the response says so, and the rest passes", () => {
  const turn = turnOf({ previous_response_id: "resp_before" });
  const { out } = run(good, turn);
  out.forEach((text, index) => {
    const response = JSON.parse(text).response;
    if (response === undefined) return expect(text).toBe(good[index]!);
    expect(response).toMatchObject({ id: turn.id, store: true, previous_response_id: "resp_before" });
  });
  expect(checkResponseStream(out).problems).toEqual([]);
  expect(turn.response?.id).toBe(turn.id);
});

test("the model is named as the operator wants", () => {
  const { out } = run(good, stateless(), { forcedModel: "fast" });
  expect(JSON.parse(out[0]!).response.model).toBe("fast");
  expect(JSON.parse(out.at(-1)!).response.model).toBe("fast");
});

describe("numbers", () => {
  test("that are missing, repeated or have gaps are mended", () => {
    const { sequence_number: _none, ...bare } = JSON.parse(good[3]!);
    const broken = good.with(3, JSON.stringify(bare)).with(4, edit(good[4]!, { sequence_number: 2 })).with(
      5,
      edit(good[5]!, { sequence_number: 99 }),
    );
    const { out } = run(broken);
    expect(checkResponseStream(out)).toMatchObject({ problems: [], text: "Hello", status: "completed" });
    expect(out[2]).toBe(good[2]!);
  });

  test("go on after the gateway's own sign of life", () => {
    const normaliser = new ResponseEventNormaliser(normaliserOptions, stateless());
    expect(normaliser.heartbeat()).toBeUndefined();
    const out: string[] = [];
    good.forEach((text, index) => {
      normaliser.push({ chunk: JSON.parse(text), text }, out);
      if (index === 4) out.push(normaliser.heartbeat()!);
    });
    expect(JSON.parse(out[5]!).type).toBe("keepalive");
    expect(out.map((text) => JSON.parse(text).sequence_number)).toEqual(out.map((_text, index) => index));
    expect(normaliser.heartbeat()).toBeUndefined();
  });
});

test("what comes twice, after the end, or says nothing is left out", () => {
  const { out } = run([good[0]!, good[0]!, event("keepalive"), ...good.slice(1), good[4]!, good.at(-1)!]);
  expect(checkResponseStream(out)).toMatchObject({ problems: [], text: "Hello", status: "completed" });
});

describe("a stream that is not whole", () => {
  test("fails, and the client is told", () => {
    for (const texts of [good.slice(0, -1), good.slice(0, 3)]) {
      const turn = stateless();
      const { out, failure } = run(texts, turn);
      expect(isUpstreamError(failure) && failure.kind).toBe("unavailable");
      expect(checkResponseStream(out)).toMatchObject({ problems: [], status: "failed" });
      expect(JSON.parse(out.at(-1)!).response).toMatchObject({
        id: "resp_backend",
        error: { message: "It broke." },
      });
      expect(turn.response).toBeUndefined();
    }
  });

  test("fails where it begins with something else, or has nothing", () => {
    for (const texts of [[], good.slice(2)]) expect(isUpstreamError(run(texts).failure)).toBe(true);
    expect(run(["{}"]).failure).toMatchObject({ kind: "bad_response" });
    expect(run([event("response.created", { response: 7 })]).failure).toMatchObject({ kind: "bad_response" });
  });

  test("has its failure told in the backend's words, under the response's own id", () => {
    const response = JSON.parse(good[0]!).response;
    const error = { code: "rate_limit_exceeded", message: "Too fast." };
    const failed = event("response.failed", { response: { ...response, status: "failed", error } });
    const turn = turnOf();
    const { out, failure } = run([...good.slice(0, 5), failed, good[5]!], turn);
    expect(failure).toMatchObject({ kind: "rate_limited" });
    expect(checkResponseStream(out)).toMatchObject({ problems: [], status: "failed" });
    expect(JSON.parse(out.at(-1)!).response).toMatchObject({ id: turn.id, error });
  });

  test("has no output before anything of the answer, so that another target may still be tried", () => {
    const normaliser = new ResponseEventNormaliser(normaliserOptions, stateless());
    for (const text of good.slice(0, 2)) normaliser.push({ chunk: JSON.parse(text), text }, []);
    expect(normaliser.hasOutput).toBe(false);
    normaliser.push({ chunk: JSON.parse(good[2]!), text: good[2]! }, []);
    expect(normaliser.hasOutput).toBe(true);
  });

  test("ends with an error event of the backend's", () => {
    const { failure, out } = run([
      ...good.slice(0, 5),
      event("error", { code: "server_error", message: "Oh no." }),
    ]);
    expect(failure).toMatchObject({ kind: "unavailable", message: "Oh no." });
    expect(JSON.parse(out.at(-1)!).type).toBe("response.failed");
  });
});

test("the backend's counts are what the books get", () => {
  const usage = {
    input_tokens: 7,
    input_tokens_details: { cached_tokens: 5 },
    output_tokens: 3,
    output_tokens_details: { reasoning_tokens: 1 },
    total_tokens: 10,
  };
  const last = JSON.parse(good.at(-1)!);
  const { normaliser } = run([
    ...good.slice(0, -1),
    edit(good.at(-1)!, { response: { ...last.response, usage } }),
  ]);
  expect(normaliser.usage).toMatchObject({
    prompt_tokens: 7,
    completion_tokens: 3,
    prompt_tokens_details: { cached_tokens: 5 },
    completion_tokens_details: { reasoning_tokens: 1 },
  });
});
