import type { ChainRuns } from "../../chain/chain-runs.ts";
import type { CompiledChain } from "../../chain/compiled-step.ts";
import type { ChainCalls, ChainEvent, ChainInput, ModelQuestion, ModelReply } from "../../chain/contracts.ts";
import type { CallContext, Provider, StreamFrame } from "../../plugin/api/provider.ts";
import { UpstreamError } from "../../plugin/api/upstream-error.ts";
import type {
  ChatCompletion,
  ChatCompletionChunk,
  ChatCompletionRequest,
} from "../../schema/chat-completion.ts";
import { chainProvider } from "../../lib/reserved-names.ts";
import type { Decision } from "../../schema/decision.ts";
import { textOf } from "../../lib/template.ts";
import type { GatewayCall } from "../gateway-call.ts";
import type { InternalContext, ModelCaller } from "../internal-call.ts";
import { plainText } from "../stages/content-texts.ts";

/** Takes up the run of this id. */
export const runHeader = "x-intellirouter-chain-run";
/** `steps`: tells of steps between the pieces of a streamed answer. */
export const progressHeader = "x-intellirouter-progress";

export interface ChainServices {
  readonly runs: ChainRuns;
  /** What tools are called with. */
  readonly callTool: ChainCalls["callTool"];
  readonly search?: (call: ChainCall) => ChainCalls["search"];
}

/** On whose behalf a chain runs. */
export type ChainCall = Pick<
  GatewayCall,
  "principal" | "requestId" | "decisionId" | "headers" | "hops" | "internal"
>;

/** Chains as a provider of models, for one call. */
export function createChainProvider(
  services: ChainServices,
  chains: ReadonlyMap<string, CompiledChain>,
  models: ModelCaller,
  call: ChainCall,
  note: (chain: string, run: string) => void,
): Provider {
  const start = (
    request: ChatCompletionRequest,
    context: CallContext,
    told: { onText?: (text: string) => void; onEvent?: (event: ChainEvent) => void },
  ) => {
    const chain = chains.get(request.model);
    if (chain === undefined) {
      throw new UpstreamError({
        kind: "invalid_request",
        status: 404,
        code: "model_not_found",
        param: "model",
        message: `There is no chain "${request.model}".`,
      });
    }
    refuseMany(request);
    reportUnused(request, context);
    const { principal, headers } = call;
    const run = {
      chain,
      owner: { tenant: principal.tenant, principal: principal.id },
      calls: callsOf(services, models, call),
      signal: context.signal,
      ...told,
    };
    const former = headers.get(runHeader);
    const started = former === null
      ? services.runs.start(run, inputOf(request))
      : services.runs.resume(former, run);
    note(chain.name, started.id);
    return started;
  };
  return {
    chat: {
      async complete(request, context) {
        const { id, result } = start(request, context, {});
        const { output, tokens } = await result;
        return { body: completion(id, request.model, textOf(output), tokens) };
      },
      stream(request, context) {
        const queue = new PieceQueue();
        const withSteps = call.headers.get(progressHeader) === "steps";
        const { id, result } = start(request, context, {
          onText: (text) => queue.push({ text }),
          ...(withSteps ? { onEvent: (event: ChainEvent) => queue.push({ event }) } : {}),
        });
        result.then(
          ({ output, tokens }) => queue.end({ output: textOf(output), tokens }),
          (error) => queue.fail(error),
        );
        return Promise.resolve({ frames: chunks(id, request.model, queue), hasBegun: withSteps });
      },
    },
  };
}

/** @throws {UpstreamError} for more answers than one. */
function refuseMany({ n }: ChatCompletionRequest): void {
  if (typeof n !== "number" || n <= 1) return;
  throw new UpstreamError({
    kind: "invalid_request",
    status: 400,
    param: "n",
    message: "A chain gives one answer: leave `n` out.",
  });
}

/** What a chain makes use of, or what asks for nothing that it would not do. */
const usedFields: ReadonlySet<string> = new Set([
  "model",
  "messages",
  "n",
  "stream",
  "stream_options",
  "user",
  "metadata",
  "store",
  "safety_identifier",
]);

/** How its models are asked is the chain's own business. */
function reportUnused(request: ChatCompletionRequest, { reportLoss }: CallContext): void {
  for (const [field, value] of Object.entries(request)) {
    if (value === null || value === undefined || usedFields.has(field)) continue;
    reportLoss({ field, effect: "dropped", detail: "the steps of a chain say how its models are asked" });
  }
  const hasMore = ({ content }: ChatCompletionRequest["messages"][number]) =>
    Array.isArray(content) && content.some(({ type }) => type !== "text");
  if (!request.messages.some(hasMore)) return;
  reportLoss({
    field: "messages",
    effect: "approximated",
    detail: "what is no text reaches those steps alone that have `history`",
  });
}

function callsOf(services: ChainServices, models: ModelCaller, call: ChainCall): ChainCalls {
  const trace = call.headers.get("traceparent");
  const base: Omit<InternalContext, "signal" | "recorded"> = {
    principal: call.principal,
    requestId: call.requestId,
    decisionId: call.decisionId,
    depth: call.internal?.depth ?? 0,
    purpose: "chain step",
    headers: new Headers(trace === null ? {} : { traceparent: trace }),
    hops: call.hops,
    staged: true,
  };
  const search = services.search?.(call);
  return {
    callTool: services.callTool,
    ...(search === undefined ? {} : { search }),
    ask: async (question, signal, onText) => {
      let spent = { tokens: 0, costUsd: 0 };
      const context: InternalContext = {
        ...base,
        signal,
        recorded: (decision) => {
          spent = spentOf(decision);
        },
      };
      const text = onText === undefined
        ? (await models.chat(requestOf(question), context)).choices[0]?.message.content ?? ""
        : await stream(models, question, context, onText);
      return { text, ...spent } satisfies ModelReply;
    },
  };
}

async function stream(
  models: ModelCaller,
  question: ModelQuestion,
  context: InternalContext,
  onText: (text: string) => void,
): Promise<string> {
  const pieces = await models.chatStream(requestOf(question), context);
  let whole = "";
  for (let texts = await pieces.next(); texts !== undefined; texts = await pieces.next()) {
    for (const text of texts) {
      const chunk = JSON.parse(text) as Partial<ChatCompletionChunk> & {
        readonly error?: { readonly message?: string };
      };
      if (chunk.error !== undefined) {
        throw new UpstreamError({
          kind: "bad_response",
          message: chunk.error.message ?? "the answer broke off",
        });
      }
      const content = chunk.choices?.[0]?.delta.content ?? "";
      if (content === "") continue;
      whole += content;
      onText(content);
    }
  }
  return whole;
}

function requestOf(
  { model, messages, temperature, maxTokens, schema }: ModelQuestion,
): ChatCompletionRequest {
  return {
    model,
    messages: [...messages],
    ...(temperature === undefined ? {} : { temperature }),
    ...(maxTokens === undefined ? {} : { max_completion_tokens: maxTokens }),
    ...(schema === undefined
      ? {}
      : { response_format: { type: "json_schema", json_schema: { name: "output", schema } } }),
  };
}

function spentOf({ usage, cost_usd: costUsd = 0 }: Decision) {
  return { tokens: (usage?.prompt_tokens ?? 0) + (usage?.completion_tokens ?? 0), costUsd };
}

/** The user's last words are the input; the rest is there for steps that ask for it. */
function inputOf({ messages }: ChatCompletionRequest): ChainInput {
  const isInstruction = ({ role }: { readonly role: string }) => role === "system" || role === "developer";
  const last = messages.findLast(({ role }) => role === "user");
  return {
    value: plainText(last?.content),
    messages: messages.filter((message) => !isInstruction(message)),
    system: messages.filter(isInstruction).map(({ content }) => plainText(content)).join("\n\n"),
  };
}

function completion(run: string, model: string, content: string, tokens: number): ChatCompletion {
  return {
    id: `chatcmpl-${run}`,
    object: "chat.completion",
    created: Math.floor(Date.now() / 1000),
    model: `${chainProvider}/${model}`,
    choices: [{
      index: 0,
      message: { role: "assistant", content, refusal: null },
      finish_reason: "stop",
      logprobs: null,
    }],
    usage: { prompt_tokens: 0, completion_tokens: tokens, total_tokens: tokens },
  };
}

type Piece =
  | { readonly text: string }
  | { readonly event: ChainEvent }
  | { readonly output: string; readonly tokens: number }
  | { readonly error: unknown };

/** What a run says while somebody reads it. */
class PieceQueue {
  readonly #pieces: Piece[] = [];
  #wake: (() => void) | undefined;

  push(piece: Piece): void {
    this.#pieces.push(piece);
    this.#wake?.();
  }

  end(result: { readonly output: string; readonly tokens: number }): void {
    this.push(result);
  }

  fail(error: unknown): void {
    this.push({ error });
  }

  async next(): Promise<Piece> {
    for (;;) {
      const piece = this.#pieces.shift();
      if (piece !== undefined) return piece;
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
  }
}

async function* chunks(
  run: string,
  model: string,
  queue: PieceQueue,
): AsyncGenerator<readonly StreamFrame<ChatCompletionChunk>[]> {
  const head = {
    id: `chatcmpl-${run}`,
    object: "chat.completion.chunk" as const,
    created: Math.floor(Date.now() / 1000),
    model: `${chainProvider}/${model}`,
  };
  const frame = (
    delta: ChatCompletionChunk["choices"][number]["delta"],
    finish: "stop" | null = null,
    more: object = {},
  ): StreamFrame<ChatCompletionChunk>[] => [{
    chunk: { ...head, choices: [{ index: 0, delta, finish_reason: finish }], ...more },
  }];
  yield frame({ role: "assistant", content: "" });
  let hasSpoken = false;
  for (;;) {
    const piece = await queue.next();
    if ("error" in piece) throw piece.error;
    if ("text" in piece) {
      hasSpoken = true;
      yield frame({ content: piece.text });
    } else if ("event" in piece) {
      yield frame({}, null, { intellirouter: piece.event });
    } else {
      // What was not told piece by piece is told now.
      if (!hasSpoken && piece.output !== "") yield frame({ content: piece.output });
      const usage = { prompt_tokens: 0, completion_tokens: piece.tokens, total_tokens: piece.tokens };
      yield frame({}, "stop");
      yield [{ chunk: { ...head, choices: [], usage } as unknown as ChatCompletionChunk }];
      return;
    }
  }
}
