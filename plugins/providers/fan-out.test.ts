import { expect, test } from "bun:test";
import type {
  CallContext,
  ChatCapability,
  ChatCompletionChunk,
  FidelityLoss,
  StreamFrame,
} from "intellirouter/plugin";
import { UpstreamError } from "intellirouter/plugin";
import { fanOut } from "./fan-out.ts";

const request = (n: number | null) => ({
  model: "m",
  n,
  messages: [{ role: "user" as const, content: "Hi" }],
});
const usage = {
  prompt_tokens: 2,
  completion_tokens: 3,
  total_tokens: 5,
  prompt_tokens_details: { cached_tokens: 1 },
};

function context(changes: Partial<CallContext> = {}): CallContext {
  return {
    requestId: "r",
    tenant: "t",
    signal: new AbortController().signal,
    reportLoss: () => {},
    ...changes,
  };
}

function chunk(content: string, finish: "stop" | null = null): ChatCompletionChunk {
  return {
    id: "a",
    object: "chat.completion.chunk",
    created: 1,
    model: "m",
    choices: [{ index: 0, delta: { content }, finish_reason: finish }],
  };
}

/** Answers "1", "2", … in the order of the calls. */
function backend(work: (call: number, given: CallContext) => void = () => {}) {
  const seen: unknown[] = [];
  const released: number[] = [];
  const chat: ChatCapability = {
    async complete(asked, given) {
      seen.push(asked.n);
      const call = seen.length;
      await Promise.resolve();
      work(call, given);
      return {
        body: {
          id: `id-${call}`,
          object: "chat.completion",
          created: 1,
          model: "m",
          choices: [{
            index: 0,
            message: { role: "assistant", content: String(call) },
            finish_reason: "stop",
          }],
          usage,
        },
        headers: new Headers({ "x-call": String(call) }),
      };
    },
    stream(asked, given) {
      seen.push(asked.n);
      const call = seen.length;
      const batches = [[chunk(`${call}a`)], [chunk(`${call}b`, "stop")], [{
        ...chunk(""),
        choices: [],
        usage,
      }]];
      const iterator: AsyncIterator<StreamFrame<ChatCompletionChunk>[]> = {
        // deno-lint-ignore require-await -- a failure must be a rejection.
        async next() {
          work(call, given);
          const batch = batches.shift();
          if (batch === undefined) return { done: true, value: undefined };
          return { done: false, value: batch.map((each) => ({ chunk: each })) };
        },
        return() {
          released.push(call);
          return Promise.resolve({ done: true, value: undefined });
        },
      };
      return Promise.resolve({ frames: { [Symbol.asyncIterator]: () => iterator } });
    },
  };
  return { chat, seen, released };
}

async function collect(frames: AsyncIterable<readonly StreamFrame<ChatCompletionChunk>[]>) {
  const all: ChatCompletionChunk[] = [];
  for await (const batch of frames) all.push(...batch.map((frame) => frame.chunk));
  return all;
}

test("one answer is asked for once, and passes as it is", async () => {
  for (const n of [null, 1]) {
    const { chat, seen } = backend();
    const { body } = await fanOut(chat).complete(request(n), context());
    expect([seen, body.choices.length, body.usage]).toEqual([[n], 1, usage]);
  }
});

test("several answers are the choices of one, and what they cost is added up", async () => {
  const { chat, seen } = backend();
  const { body, headers } = await fanOut(chat).complete(request(3), context());
  expect(seen).toEqual([1, 1, 1]);
  expect(body.id).toBe("id-1");
  expect(body.choices.map(({ index, message }) => [index, message.content])).toEqual([
    [0, "1"],
    [1, "2"],
    [2, "3"],
  ]);
  expect(body.usage).toEqual({
    prompt_tokens: 6,
    completion_tokens: 9,
    total_tokens: 15,
    prompt_tokens_details: { cached_tokens: 3 },
  });
  expect(headers?.get("x-call")).toBe("3");
});

test("streams are interleaved under their own index, with the sum of the usage at the end", async () => {
  const { chat } = backend();
  const chunks = await collect((await fanOut(chat).stream(request(2), context())).frames);
  const texts = (index: number) =>
    chunks.flatMap(({ choices }) => choices).filter((choice) => choice.index === index)
      .map(({ delta }) => delta.content).join("");
  expect([texts(0), texts(1)]).toEqual(["1a1b", "2a2b"]);
  expect(chunks.filter((each) => each.usage).length).toBe(1);
  expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { total_tokens: 10 } });
});

test("when one fails the others are broken off, and the failure is the first one's", async () => {
  const failure = new UpstreamError({ kind: "overloaded", message: "busy" });
  const signals: AbortSignal[] = [];
  const { chat } = backend((call, { signal }) => {
    signals.push(signal);
    if (call === 2) throw failure;
  });
  const found = await fanOut(chat).complete(request(3), context()).then(() => undefined, (error) => error);
  expect(found).toBe(failure);
  expect(signals.every(({ aborted }) => aborted)).toBe(true);
});

test("a stream that fails lets go of all connections", async () => {
  const failure = new UpstreamError({ kind: "unavailable", message: "cut" });
  let turns = 0;
  const { chat, released } = backend((call) => {
    if (call === 1 && ++turns === 2) throw failure;
  });
  const { frames } = await fanOut(chat).stream(request(2), context());
  expect(await collect(frames).then(() => undefined, (error) => error)).toBe(failure);
  expect(released).toEqual([1, 2]);
});

test("streams may be left before they begin", async () => {
  const { chat, released } = backend();
  const iterator = (await fanOut(chat).stream(request(2), context())).frames[Symbol.asyncIterator]();
  await iterator.return?.();
  expect((await iterator.next()).done).toBe(true);
  expect(released).toEqual([1, 2]);
});

test("a loss is told once, and what forbids it forbids it to every call", async () => {
  const loss: FidelityLoss = { field: "seed", effect: "dropped", detail: "no seeds" };
  const told: FidelityLoss[] = [];
  let answered = 0;
  const { chat } = backend((_call, given) => {
    given.reportLoss(loss);
    answered++;
  });
  await fanOut(chat).complete(request(3), context({ reportLoss: (each) => void told.push(each) }));
  expect([told, answered]).toEqual([[loss], 3]);

  const refusal = new UpstreamError({ kind: "unsupported", message: "no losses" });
  const strict = context({
    reportLoss: () => {
      throw refusal;
    },
  });
  const found = await fanOut(chat).complete(request(3), strict).then(() => undefined, (error) => error);
  expect([found, answered]).toEqual([refusal, 3]);
});
