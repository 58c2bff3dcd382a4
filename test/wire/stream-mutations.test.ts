import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { ChatCompletionChunk } from "intellirouter/plugin";
import { UpstreamError } from "intellirouter/plugin";
import { EventReader } from "../../src/plugin/api/wire/event-frames.ts";
import { checkStream } from "../support/strict-stream-checker.ts";
import { throughGateway } from "../support/through-gateway.ts";
import { piece, sse, streamMutations } from "../support/stream-mutations.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

test("there are enough of them", () => {
  expect(streamMutations.length).toBeGreaterThanOrEqual(60);
  expect(new Set(streamMutations.map(({ name }) => name)).size).toBe(streamMutations.length);
});

for (const { name, body, expected } of streamMutations) {
  describe(name, () => {
    const whole = throughGateway(bytes(body));

    test(expected === "fails" ? "does not pass for a whole answer" : "comes out well-formed", () => {
      if (expected === "fails") {
        expect(whole.failure).toBeInstanceOf(UpstreamError);
        return;
      }
      expect(whole.failure).toBeUndefined();
      const checked = checkStream(whole.texts, true);
      expect(checked.problems).toEqual([]);
      expect(checked.content).toBe(expected.content ?? "");
      expect(checked.reasoning).toBe(expected.reasoning ?? "");
      expect(checked.finish).toBe(expected.finish);
      expect(checked.calls.map(({ name: called, arguments: text }) => ({ name: called, arguments: text }))).toEqual([...(expected.calls ?? [])]);
      expect(new Set(checked.calls.map(({ id }) => id)).size).toBe(checked.calls.length);
    });

    test("gives the same wherever the bytes are cut", () => {
      const encoded = bytes(body);
      for (let cut = 1; cut < encoded.length; cut++) {
        const { texts, failure } = throughGateway(encoded, [cut]);
        expect(texts).toEqual([...whole.texts]);
        expect((failure as UpstreamError | undefined)?.message).toBe((whole.failure as UpstreamError | undefined)?.message);
      }
    });

    test("gives the same in any pieces", () => {
      const encoded = bytes(body);
      fc.assert(fc.property(fc.array(fc.nat(Math.max(encoded.length, 1)), { maxLength: 20 }), (places) => {
        const cuts = places.toSorted((left, right) => left - right);
        expect(throughGateway(encoded, cuts).texts).toEqual([...whole.texts]);
      }), { numRuns: 30 });
    });

    test("passes unchanged a second time", () => {
      if (expected === "fails") return expect(whole.failure).toBeDefined();
      const again = throughGateway(bytes(sse(...whole.texts.map((text) => `data: ${text}\n\n`), "data: [DONE]\n\n")));
      expect(again.texts).toEqual([...whole.texts]);
    });

    test("shows no usage to those who did not ask", () => {
      const quiet = throughGateway(bytes(body), [], false);
      if (expected === "fails") return expect(quiet.failure).toBeDefined();
      expect(checkStream(quiet.texts, false).problems).toEqual([]);
    });
  });
}

test("usage comes out whole, wherever the backend put it", () => {
  for (const name of ["usage in the last piece", "usage in every piece", "usage in a field of its own", "usage without a total, as texts", "choices null in a usage chunk"]) {
    const { body } = streamMutations.find((mutation) => mutation.name === name)!;
    expect(checkStream(throughGateway(bytes(body)).texts, true).usage).toMatchObject({ prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 });
  }
});

test("a faultless piece passes as the very text that it came in, oddly written or not", () => {
  const odd = '{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1700000000,"model":"m", "extra" : {"n":1e2},"choices":[{"index":0,"delta":{"content":"\\u00fc"},"finish_reason":null}]}';
  const { texts } = throughGateway(bytes(sse(piece({ role: "assistant", content: "" }), `data: ${odd}\n\n`, piece({}, "stop"), "data: [DONE]\n\n")));
  expect(texts[1]).toBe(odd);
});

test("several choices at once are each kept to the rules", () => {
  const at = (index: number, delta: object, finish: string | null = null) => ({ ...piece({}), choices: [{ index, delta, finish_reason: finish }] });
  const body = sse(at(0, { content: "a" }), at(1, { content: "x" }), at(0, { content: "b" }), at(1, {}, "length"), at(0, {}, "stop"), "data: [DONE]\n\n");
  const { texts, failure } = throughGateway(bytes(body));
  expect(failure).toBeUndefined();
  for (const index of [0, 1]) {
    const own = texts.filter((text) => JSON.parse(text).choices[0].index === index);
    expect(checkStream(own, false).problems).toEqual([]);
  }
});

test("an event without end is given up, not kept", () => {
  const reader = new EventReader<ChatCompletionChunk>();
  const megabyte = bytes("x".repeat(1024 * 1024));
  reader.feed(bytes("data: "));
  for (let index = 0; index < 40 && reader.failure === undefined; index++) reader.feed(megabyte);
  expect(reader.failure?.kind).toBe("bad_response");
});
