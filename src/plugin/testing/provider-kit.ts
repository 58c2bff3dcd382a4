import type { CallContext, Provider, StreamFrame } from "../api/provider.ts";
import { isUpstreamError } from "../api/upstream-error.ts";
import { type Skips, type TestFunctions, withSkips } from "./test-functions.ts";

export interface ProviderKitOptions {
  /** A provider whose backend answers properly. */
  make(): Provider | Promise<Provider>;
  /** Names for which the backend answers. Absent: that capability is not tested. */
  readonly chatModel?: string;
  readonly embeddingModel?: string;
  /** A provider whose backend is away, or refuses every request. */
  makeFailing?(): Provider | Promise<Provider>;
  readonly skip?: Skips;
}

const messages = [{ role: "user" as const, content: "Say hello." }];

/** The contract of `Provider`: every implementation must pass it. */
export function testProvider(functions: TestFunctions, options: ProviderKitOptions): void {
  const { expect } = functions;
  const { test, checkSkips } = withSkips(functions, options.skip);
  const { chatModel, embeddingModel, makeFailing } = options;

  functions.describe("provider contract", () => {
    const withProvider = (body: (provider: Provider) => Promise<void>, make = options.make) => async () => {
      const provider = await make();
      try {
        await body(provider);
      } finally {
        await provider.close?.();
      }
    };

    if (chatModel !== undefined) {
      const request = { model: chatModel, messages };

      test(
        "a whole answer has a message",
        withProvider(async (provider) => {
          const { body } = await provider.chat!.complete(request, context());
          expect(body.choices.length).toBeGreaterThan(0);
          expect(typeof body.choices[0]!.message.content).toBe("string");
        }),
      );

      test(
        "a stream gives its text in pieces and ends with a reason",
        withProvider(async (provider) => {
          const { frames } = await provider.chat!.stream({ ...request, stream: true }, context());
          let text = "";
          let finish: unknown = null;
          for (const { chunk } of await collect(frames)) {
            text += chunk.choices[0]?.delta.content ?? "";
            finish = chunk.choices[0]?.finish_reason ?? finish;
          }
          expect(text).not.toBe("");
          expect(finish).not.toBeNull();
        }),
      );

      test(
        "the text of a frame is the JSON of its chunk, on one line",
        withProvider(async (provider) => {
          const { frames } = await provider.chat!.stream({ ...request, stream: true }, context());
          for (const { chunk, text } of await collect(frames)) {
            if (text === undefined) continue;
            expect(text.includes("\n")).toBe(false);
            expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(chunk)));
          }
        }),
      );

      test(
        "a request is not changed",
        withProvider(async (provider) => {
          const given = {
            ...request,
            stream_options: { include_usage: false },
            unknown_field: { kept: true },
          };
          const before = JSON.stringify(given);
          await provider.chat!.complete(given, context());
          await collect((await provider.chat!.stream(given, context())).frames);
          expect(JSON.stringify(given)).toBe(before);
        }),
      );

      test(
        "a call that is aborted before it begins does not answer",
        withProvider(async (provider) => {
          const reason = new Error("gone");
          const failure = await provider.chat!.stream(
            { ...request, stream: true },
            context(AbortSignal.abort(reason)),
          )
            .then(async ({ frames }) => void await collect(frames)).then(() => undefined, (error) => error);
          expect(failure).toBe(reason);
        }),
      );

      test(
        "a stream may be left in the middle",
        withProvider(async (provider) => {
          const { frames } = await provider.chat!.stream({ ...request, stream: true }, context());
          for await (const batch of frames) if (batch.length > 0) break;
        }),
      );

      test(
        "a stream may be left before its first frame, and is then over",
        withProvider(async (provider) => {
          const { frames } = await provider.chat!.stream({ ...request, stream: true }, context());
          const iterator = frames[Symbol.asyncIterator]();
          await iterator.return?.();
          expect((await iterator.next()).done).toBe(true);
        }),
      );
    }

    if (embeddingModel !== undefined) {
      test(
        "every input gets its vector",
        withProvider(async (provider) => {
          const { body } = await provider.embeddings!.create(
            { model: embeddingModel, input: ["one", "two"] },
            context(),
          );
          expect(body.data).toHaveLength(2);
        }),
      );
    }

    if (makeFailing !== undefined) {
      test(
        "a failure is an UpstreamError, whatever is called",
        withProvider(async (provider) => {
          const model = chatModel ?? embeddingModel ?? "model";
          const calls = [
            () => provider.chat?.complete({ model, messages }, context()),
            () =>
              provider.chat?.stream({ model, messages, stream: true }, context()).then(({ frames }) =>
                collect(frames)
              ),
            () => provider.responses?.complete({ model, input: "Hello" }, context()),
            () =>
              provider.responses?.stream({ model, input: "Hello", stream: true }, context()).then((
                { frames },
              ) => collect(frames)),
            () => provider.completions?.complete({ model, prompt: "Hello" }, context()),
            () => provider.embeddings?.create({ model, input: "Hello" }, context()),
            () => provider.listModels?.(context()),
          ];
          for (const call of calls) {
            const pending = call();
            if (pending === undefined) continue;
            const failure = await pending.then(() => undefined, (error) => error);
            expect(isUpstreamError(failure)).toBe(true);
          }
        }, makeFailing),
      );
    }

    test(
      "known models have ids, each once",
      withProvider((provider) => {
        const ids = (provider.models ?? []).map(({ id }) => id);
        expect(ids.every((id) => id !== "")).toBe(true);
        expect(new Set(ids).size).toBe(ids.length);
        return Promise.resolve();
      }),
    );

    checkSkips();
  });
}

function context(signal: AbortSignal = new AbortController().signal): CallContext {
  return { requestId: "req_contract", signal, reportLoss: () => {}, tenant: "default" };
}

async function collect<Chunk>(
  frames: AsyncIterable<readonly StreamFrame<Chunk>[]>,
): Promise<StreamFrame<Chunk>[]> {
  const all: StreamFrame<Chunk>[] = [];
  for await (const batch of frames) all.push(...batch);
  return all;
}
