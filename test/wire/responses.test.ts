import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import OpenAI from "openai";
import { asResponseEvents, turnOf } from "../support/response-fixtures.ts";
import { checkResponseStream } from "../support/strict-response-checker.ts";
import { piece, sse, streamMutations } from "../support/stream-mutations.ts";

/** What the official client's own helper makes of a stream. */
function understood(texts: readonly string[]) {
  const body = texts.map((text) => `event: ${JSON.parse(text).type}\ndata: ${text}\n\n`).join("");
  const client = new OpenAI({
    apiKey: "sk-test",
    baseURL: "http://localhost/v1",
    maxRetries: 0,
    fetch: () => Promise.resolve(new Response(body, { headers: { "content-type": "text/event-stream" } })),
  });
  return client.responses.stream({ model: "m", input: "Hi" }).finalResponse();
}

const statuses: Readonly<Record<string, string>> = { length: "incomplete", content_filter: "incomplete" };

for (const { name, body, expected } of streamMutations) {
  describe(name, () => {
    const texts = asResponseEvents(body);
    const checked = checkResponseStream(texts);

    test(expected === "fails" ? "ends in response.failed" : "comes out well-formed", () => {
      if (expected === "fails") {
        expect(checked.status).toBe("failed");
        // Of a stream that never began, nothing but the end is told; the client then gets an HTTP error instead.
        expect(texts.length === 1 ? [] : checked.problems).toEqual([]);
        return;
      }
      expect(checked.problems).toEqual([]);
      expect(checked.text).toBe(expected.content ?? "");
      expect(checked.reasoning).toBe(expected.reasoning ?? "");
      expect(checked.calls).toEqual(
        (expected.calls ?? []).map((call) => ({ type: "function_call", name: call.name, input: call.arguments })),
      );
      expect(checked.status).toBe(statuses[expected.finish] ?? "completed");
    });

    test("the official client understands it", async () => {
      if (texts.length === 1) return;
      const response = await understood(texts);
      expect(response.status).toBe(checked.status as never);
      expect(response.output_text).toBe(checked.text);
      expect(response.output.filter(({ type }) => type === "function_call")).toHaveLength(checked.calls.length);
    });
  });
}

/** Pieces of a chat answer in any order that a backend could send them in. */
const anyPiece = fc.oneof(
  fc.string({ maxLength: 6 }).map((content) => ({ content })),
  fc.string({ maxLength: 6 }).map((reasoning_content) => ({ reasoning_content })),
  fc.string({ maxLength: 6 }).map((refusal) => ({ refusal })),
  fc.record({ index: fc.nat(2), text: fc.string({ maxLength: 6 }) }).map(({ index, text }) => ({
    reasoning_details: [{ type: "reasoning.text", index, text, format: "anthropic-claude-v1" }],
  })),
  fc.record({ index: fc.nat(2), summary: fc.string({ maxLength: 6 }) }).map(({ index, summary }) => ({
    reasoning_details: [{ type: "reasoning.summary", index, summary }],
  })),
  fc.constant({ reasoning_details: [{ type: "reasoning.encrypted", index: 3, data: "c2VjcmV0" }] }),
  fc.record({ index: fc.nat(3), id: fc.constantFrom("a", "b", undefined), text: fc.constantFrom("", "{", '"x":', "1}", "{}") })
    .map(({ index, id, text }) => ({
      tool_calls: [{ index, ...(id ? { id, type: "function" } : {}), function: { ...(id ? { name: `f_${id}` } : {}), arguments: text } }],
    })),
  fc.constant({ annotations: [{ type: "url_citation", url_citation: { start_index: 0, end_index: 1, url: "http://x", title: "X" } }] }),
);

test("any pieces come out well-formed, and the official client accumulates the same", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(anyPiece, { maxLength: 12 }),
      fc.constantFrom("stop", "length", "tool_calls", "content_filter", null),
      fc.boolean(),
      async (deltas, finish, wantsSummary) => {
        const body = sse(
          piece({ role: "assistant", content: "" }),
          ...deltas.map((delta) => piece(delta)),
          ...(finish === null ? [] : [piece({}, finish)]),
          "data: [DONE]\n\n",
        );
        const turn = turnOf({
          reasoning: wantsSummary ? { summary: "auto" } : null,
          tools: [{ type: "custom", name: "f_b" }],
        });
        const texts = asResponseEvents(body, turn);
        const checked = checkResponseStream(texts);
        expect(checked.problems).toEqual([]);
        expect(checked.status).toBe(finish === null ? "failed" : statuses[finish] ?? "completed");
        const response = await understood(texts);
        expect(JSON.parse(JSON.stringify(response.output))).toMatchObject(checked.response.output);
      },
    ),
    { numRuns: 300 },
  );
});

test("calls whose pieces come in turn are told beside each other", () => {
  const call = (index: number, text: string, name?: string) =>
    piece({
      tool_calls: [{
        index,
        ...(name ? { id: `call_${name}`, type: "function" } : {}),
        function: { ...(name ? { name } : {}), arguments: text },
      }],
    });
  const checked = checkResponseStream(asResponseEvents(sse(
    piece({ role: "assistant", content: null }),
    call(0, '{"a"', "one"),
    call(1, '{"b"', "two"),
    call(0, ":1}"),
    call(1, ":2}"),
    piece({}, "tool_calls"),
  )));
  expect(checked.problems).toEqual([]);
  expect(checked.calls.map(({ input }) => input)).toEqual(['{"a":1}', '{"b":2}']);
});

test("the checker finds what is wrong", () => {
  const texts = asResponseEvents(sse(piece({ role: "assistant", content: "" }), piece({ content: "Hello" }), piece({}, "stop")));
  expect(checkResponseStream(texts).problems).toEqual([]);
  const change = (index: number, edit: (event: Record<string, unknown>) => void) =>
    texts.map((text, position) => {
      if (position !== index) return text;
      const event = JSON.parse(text);
      edit(event);
      return JSON.stringify(event);
    });
  const faults: readonly string[][] = [
    texts.slice(0, -1),
    texts.toSpliced(2, 1),
    change(3, (event) => delete event.sequence_number),
    change(4, (event) => (event.delta = "Hell")),
    change(4, (event) => (event.item_id = "msg_other")),
    change(5, (event) => (event.text = "Other")),
    change(7, (event) => delete (event.item as Record<string, unknown>).id),
    change(8, (event) => delete (event.response as Record<string, unknown>).usage),
    change(8, (event) => ((event.response as Record<string, unknown>).output = [])),
  ];
  for (const faulty of faults) expect(checkResponseStream(faulty).problems).not.toEqual([]);
});
