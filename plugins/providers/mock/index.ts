import { definePlugin, UpstreamError } from "intellirouter/plugin";
import type {
  CallContext,
  ChatCompletionRequest,
  CompletionChunk,
  CompletionRequest,
  ModelDescription,
  Provider,
  StreamFrame,
} from "intellirouter/plugin";
import { z } from "zod";
import { asChunks, asCompletion, failureOf, makeAnswer, type MockAnswer, type Mode } from "./answer.ts";
import { embed } from "./embed.ts";
import { pieces } from "./words.ts";

const options = z.strictObject({
  delay_ms: z.number().int().min(0).max(60_000).default(15).describe(
    "Pause between two pieces of a stream, in milliseconds.",
  ),
  slow_ms: z.number().int().min(0).max(600_000).default(3_000).describe(
    "Wait of mock-llama-slow before its first piece, in milliseconds.",
  ),
  list_all: z.boolean().default(false).describe(
    "List the models that misbehave, too; they always work by name.",
  ),
});

type Options = z.output<typeof options>;

const failures = ["400", "401", "429", "500", "503", "context", "filter"];
const misbehaving = [
  "mock-llama-tools",
  "mock-llama-parallel-tools",
  "mock-llama-reasoning",
  "mock-llama-slow",
  "mock-llama-cut",
  "mock-llama-malformed",
  "mock-llama-hang",
  ...failures.map((name) => `mock-llama-error-${name}`),
];

const known: Omit<ModelDescription, "id"> = {
  ownedBy: "intellirouter-mock",
  created: 1_700_000_000,
  mock: true,
};

/** Answers without a model. The name decides how: well, slowly, badly or not at all. */
class MockProvider implements Provider {
  readonly #options: Options;
  readonly models: readonly ModelDescription[];

  constructor(given: Options) {
    this.#options = given;
    const chat = { ...known, embeddings: false, tools: true, jsonSchema: true, contextLength: 128_000 };
    this.models = [
      { id: "mock-llama", ...chat },
      { id: "mock-embedding", ...known, chat: false, embeddings: true, contextLength: 8_192 },
      ...(given.list_all ? misbehaving.map((id) => ({ id, ...chat })) : []),
    ];
  }

  readonly chat: NonNullable<Provider["chat"]> = {
    complete: async (request, context) => {
      const answer = await this.#answer(request, context);
      if (request.model.endsWith("-cut") || request.model.endsWith("-malformed")) throw malformed();
      return { body: asCompletion(answer, request.model) };
    },
    stream: async (request, context) => {
      const answer = await this.#answer(request, context);
      return { frames: this.#paced(asChunks(answer, request.model), request.model, context) };
    },
  };

  readonly completions: NonNullable<Provider["completions"]> = {
    complete: async (request, context) => {
      const answer = await this.#answer(asChat(request), context);
      return {
        body: {
          id: answer.id,
          object: "text_completion",
          created: 1_700_000_000,
          model: request.model,
          choices: answer.choices.map((choice) => ({
            index: choice.index,
            text: choice.pieces.join(""),
            logprobs: null,
            finish_reason: choice.finish === "length" ? "length" : "stop",
          })),
          usage: answer.usage,
        },
      };
    },
    stream: async (request, context) => {
      const answer = await this.#answer(asChat(request), context);
      return { frames: this.#paced(textChunks(answer, request.model), request.model, context) };
    },
  };

  readonly embeddings: NonNullable<Provider["embeddings"]> = {
    create: (request) => {
      const failure = failureOf(request.model.replace(/^.*-error-/, ""));
      return failure === undefined ? Promise.try(() => ({ body: embed(request) })) : Promise.reject(failure);
    },
  };

  async #answer(request: ChatCompletionRequest, context: CallContext): Promise<MockAnswer> {
    const name = request.model;
    const failure = name.includes("-error-") ? failureOf(name.slice(name.lastIndexOf("-") + 1)) : undefined;
    if (failure !== undefined) throw failure;
    if (name.endsWith("-hang")) await pause(Infinity, context.signal);
    if (name.endsWith("-slow")) await pause(this.#options.slow_ms, context.signal);
    const mode: Mode = {
      calls: name.endsWith("-parallel-tools") ? 2 : name.endsWith("-tools") ? 1 : 0,
      reasoning: name.endsWith("-reasoning"),
    };
    return makeAnswer(request, mode);
  }

  async *#paced<Chunk>(
    chunks: Iterable<Chunk>,
    model: string,
    context: CallContext,
  ): AsyncGenerator<StreamFrame<Chunk>[]> {
    let sent = 0;
    for (const chunk of chunks) {
      if (sent > 0) await pause(this.#options.delay_ms, context.signal);
      context.signal.throwIfAborted();
      if (sent === 5 && model.endsWith("-cut")) {
        throw new UpstreamError({ kind: "unavailable", message: "This mock breaks off in the middle." });
      }
      if (sent === 5 && model.endsWith("-malformed")) throw malformed();
      yield [{ chunk, text: JSON.stringify(chunk) }];
      sent++;
    }
  }
}

function* textChunks(answer: MockAnswer, model: string): Generator<CompletionChunk> {
  const chunk = (index: number, text: string, finish: "stop" | "length" | null): CompletionChunk => ({
    id: answer.id,
    object: "text_completion",
    created: 1_700_000_000,
    model,
    choices: [{ index, text, logprobs: null, finish_reason: finish }],
  });
  for (const choice of answer.choices) {
    for (const text of pieces(choice.pieces.join(""))) yield chunk(choice.index, text, null);
    yield chunk(choice.index, "", choice.finish === "length" ? "length" : "stop");
  }
  yield { ...chunk(0, "", null), choices: [], usage: answer.usage };
}

/** Only what completions have, too: nobody has checked other fields of one. */
function asChat({ model, prompt, n, max_tokens, stop }: CompletionRequest): ChatCompletionRequest {
  return {
    model,
    n,
    max_tokens,
    stop,
    messages: [{ role: "user", content: typeof prompt === "string" ? prompt : JSON.stringify(prompt) }],
  };
}

function malformed(): UpstreamError {
  return new UpstreamError({ kind: "bad_response", message: "This mock sends what is no answer." });
}

/** Waits, or ends with the signal's reason when that aborts first. */
function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  if (milliseconds === 0) return Promise.resolve();
  return new Promise((resolve, reject) => {
    const end = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = milliseconds === Infinity ? undefined : setTimeout(() => {
      signal.removeEventListener("abort", end);
      resolve();
    }, milliseconds);
    if (signal.aborted) end();
    else signal.addEventListener("abort", end, { once: true });
  });
}

export default definePlugin({
  apiVersion: 1,
  kind: "provider",
  name: "mock",
  description: "Makes its answers up, deterministically; for trying things out and for tests.",
  options,
  discovery: { always: true },
  create: (given) => new MockProvider(given),
});
