import { describe, expect, test } from "bun:test";
import type { ChatCompletionChunk, Provider } from "intellirouter/plugin";
import { UpstreamError } from "intellirouter/plugin";
import { MessageEventEncoder } from "../../src/gateway/messages/message-event-encoder.ts";
import { messagesOperation } from "../../src/gateway/operations/messages.ts";
import type { StreamNormaliser } from "../../src/gateway/operation.ts";
import { EventReader } from "../../src/plugin/api/wire/event-frames.ts";
import type { MessageEvent } from "../../src/schema/message.ts";
import { messageMutations } from "../support/message-mutations.ts";
import { checkMessage } from "../support/strict-message-checker.ts";
import { parsedArguments } from "../clients/support/observed-stream.ts";
import { streamMutations } from "../support/stream-mutations.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const options = { includeUsage: true, forcedModel: undefined, fallbackId: "req_1", fallbackModel: "m", created: 1_700_000_000 };

interface Outcome {
  readonly texts: readonly string[];
  readonly failure: unknown;
}

function read<Event>(body: Uint8Array, normaliser: StreamNormaliser<Event>, cuts: readonly number[] = []): Outcome {
  const reader = new EventReader<Event>();
  const texts: string[] = [];
  try {
    let start = 0;
    for (const end of [...cuts, body.length]) {
      for (const frame of reader.feed(body.subarray(start, end))) normaliser.push(frame, texts);
      start = end;
      if (reader.failure !== undefined) throw reader.failure;
      if (reader.done) break;
    }
    if (!reader.done) { for (const frame of reader.end()) normaliser.push(frame, texts); }
    if (reader.failure !== undefined) throw reader.failure;
    normaliser.finish(texts);
    return { texts, failure: undefined };
  } catch (failure) {
    return { texts, failure };
  }
}

/** A backend that speaks the protocol itself, as far as choosing how its stream is kept in order goes. */
const native: Provider = {
  messages: {
    complete: () => Promise.reject(new Error("it only streams")),
    stream: () => Promise.resolve({ frames: (async function* () {})() }),
  },
};

const request = { model: "m", max_tokens: 100, messages: [{ role: "user" as const, content: "Hi" }] };
const context = { requestId: "req_1", signal: new AbortController().signal, reportLoss: () => {}, tenant: "default" };
const opened = await messagesOperation.stream!(native, request, context, options);
const Normaliser = opened.normaliser.constructor as new (given: typeof options) => StreamNormaliser<MessageEvent>;

const throughNormaliser = (body: Uint8Array, cuts?: readonly number[]) => read(body, new Normaliser(options), cuts);

test("there are enough of them", () => {
  expect(messageMutations.length).toBeGreaterThanOrEqual(60);
  expect(new Set(messageMutations.map(({ name }) => name)).size).toBe(messageMutations.length);
});

for (const { name, body, expected } of messageMutations) {
  describe(`a native backend: ${name}`, () => {
    const whole = throughNormaliser(bytes(body));

    test(expected === "fails" ? "does not pass for a whole answer" : "comes out well-formed", () => {
      if (expected === "fails") {
        expect(whole.failure).toBeInstanceOf(UpstreamError);
        return;
      }
      expect(whole.failure).toBeUndefined();
      const checked = checkMessage(whole.texts);
      expect(checked.problems).toEqual([]);
      expect(checked.content).toBe(expected.content ?? "");
      expect(checked.thinking).toBe(expected.thinking ?? "");
      expect(checked.stopReason).toBe(expected.stop);
      expect(checked.calls.map(({ id: _id, ...call }) => call)).toEqual([...expected.calls ?? []]);
    });

    test("gives the same wherever the bytes are cut", () => {
      const encoded = bytes(body);
      for (let cut = 1; cut < encoded.length; cut++) {
        const { texts, failure } = throughNormaliser(encoded, [cut]);
        expect(texts).toEqual([...whole.texts]);
        expect((failure as Error | undefined)?.message).toBe((whole.failure as Error | undefined)?.message);
      }
    });

    test("passes unchanged a second time", () => {
      if (expected === "fails") return expect(whole.failure).toBeDefined();
      const again = throughNormaliser(bytes(whole.texts.map((text) => `data: ${text}\n\n`).join("")));
      expect(again.texts).toEqual([...whole.texts]);
    });
  });
}

test("a faultless event passes as the very text that it came in, oddly written or not", () => {
  const odd = '{ "type":"content_block_delta" ,"index":0,"delta":{"type":"text_delta","text":"\\u00fc", "n":1e2}}';
  const { body } = messageMutations[0]!;
  const marked = body.replace(/data: .*"Hello".*\n/, `data: ${odd}\n`);
  expect(throughNormaliser(bytes(marked)).texts[2]).toBe(odd);
});

test("what came before a cut is in order, wherever it is", () => {
  const { body } = messageMutations[1]!;
  const encoded = bytes(body);
  for (let length = 0; length < encoded.length - '"}\n\n'.length; length++) {
    const { texts } = throughNormaliser(encoded.subarray(0, length));
    const orders = checkMessage(texts).problems.filter((problem) => problem.startsWith("event "));
    expect(orders).toEqual([]);
  }
});

describe("a backend of the other protocol", () => {
  const finishes: Readonly<Record<string, string>> = { stop: "end_turn", length: "max_tokens", tool_calls: "tool_use" };
  for (const { name, body, expected } of streamMutations) {
    test(name, () => {
      const { texts, failure } = read(bytes(body), new MessageEventEncoder(options, 42) as StreamNormaliser<ChatCompletionChunk>);
      if (expected === "fails") {
        expect(failure).toBeInstanceOf(UpstreamError);
        return;
      }
      expect(failure).toBeUndefined();
      const checked = checkMessage(texts);
      expect(checked.problems).toEqual([]);
      expect(checked.content).toBe(expected.content ?? "");
      expect(checked.thinking).toBe(expected.reasoning ?? "");
      expect(checked.stopReason).toBe(finishes[expected.finish]!);
      if (expected.finish === "length") return;
      expect(checked.calls.map(({ name: called, input }) => ({ name: called, arguments: input }) as unknown))
        .toEqual((expected.calls ?? []).map((call) => ({ ...call, arguments: parsedArguments(call.arguments) })));
    });
  }
});
