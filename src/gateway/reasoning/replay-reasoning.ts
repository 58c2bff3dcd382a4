import type { CallContext, ChatCapability, Provider, StreamFrame } from "../../plugin/api/provider.ts";
import type {
  ChatCompletionChunk,
  ChatCompletionRequest,
  ChatMessage,
} from "../../schema/chat-completion.ts";
import { ReasoningCollector } from "./reasoning-collector.ts";
import type { ReasoningMemory, ThoughtTurn } from "./reasoning-memory.ts";

type Loose = Readonly<Record<string, unknown>>;

/**
 * A provider whose backend wants reasoning back, with a memory for clients that do not give it. Other providers are returned as
 * they are.
 */
export function replayReasoning(name: string, provider: Provider, memory: ReasoningMemory): Provider {
  const { chat, reasoningReplay } = provider;
  if (chat === undefined || reasoningReplay === undefined) return provider;
  const replaying: ChatCapability = {
    async complete(request, context) {
      const result = await chat.complete(
        await restore(name, request, context, memory, reasoningReplay),
        context,
      );
      const collector = new ReasoningCollector();
      const message: unknown = result.body?.choices?.[0]?.message;
      if (typeof message === "object" && message !== null) collector.add(message as Loose);
      await memory.remember(turnOf(name, request, context, collector), collector.reasoning(reasoningReplay));
      return result;
    },
    async stream(request, context) {
      const result = await chat.stream(
        await restore(name, request, context, memory, reasoningReplay),
        context,
      );
      return {
        ...result,
        frames: observe(
          result.frames,
          (collector) =>
            memory.remember(turnOf(name, request, context, collector), collector.reasoning(reasoningReplay)),
        ),
      };
    },
  };
  return withChat(provider, replaying);
}

/** Methods keep their own `this`; the type makes a forgotten member an error. */
function withChat(provider: Provider, chat: ChatCapability): Provider {
  const members: Record<keyof Provider, unknown> = {
    chat,
    messages: provider.messages,
    responses: provider.responses,
    completions: provider.completions,
    embeddings: provider.embeddings,
    forward: provider.forward,
    reasoningReplay: provider.reasoningReplay,
    cacheMarks: provider.cacheMarks,
    fileAddresses: provider.fileAddresses,
    fidelity: provider.fidelity,
    listModels: provider.listModels?.bind(provider),
    models: provider.models,
    close: provider.close?.bind(provider),
  };
  return Object.fromEntries(Object.entries(members).filter(([, member]) => member !== undefined));
}

function turnOf(
  provider: string,
  request: ChatCompletionRequest,
  { tenant }: CallContext,
  { calls }: ReasoningCollector,
): ThoughtTurn {
  return { tenant, provider, before: request.messages.at(-1), calls };
}

async function restore(
  provider: string,
  request: ChatCompletionRequest,
  context: CallContext,
  memory: ReasoningMemory,
  replay: "details" | "text",
): Promise<ChatCompletionRequest> {
  let changed = false;
  const messages = await Promise.all(request.messages.map(async (message, index): Promise<ChatMessage> => {
    const calls = message.role === "assistant" ? message.tool_calls ?? [] : [];
    if (calls.length === 0 || hasReasoning(message, replay)) return message;
    const known = await memory.recall({
      tenant: context.tenant,
      provider,
      before: request.messages[index - 1],
      calls,
    });
    if (known === undefined) return message;
    changed = true;
    const { extra = {} } = known;
    return {
      ...message,
      ...(replay === "text" ? { reasoning_content: known.reasoning_content ?? "" } : {}),
      ...(replay === "details" && known.reasoning_details !== undefined
        ? { reasoning_details: known.reasoning_details }
        : {}),
      tool_calls: calls.map((call) =>
        extra[call.id] === undefined || call.extra_content ? call : { ...call, extra_content: extra[call.id] }
      ),
    };
  }));
  return changed ? { ...request, messages } : request;
}

function hasReasoning(message: ChatMessage, replay: "details" | "text"): boolean {
  if (replay === "text") return typeof message.reasoning_content === "string";
  return Array.isArray(message.reasoning_details) || Array.isArray(message.thinking_blocks) ||
    (message.tool_calls ?? []).some((call) => call.extra_content !== undefined);
}

/** The same frames; once the answer is whole, what was thought in it is kept. */
function observe(
  frames: AsyncIterable<readonly StreamFrame<ChatCompletionChunk>[]>,
  remember: (collector: ReasoningCollector) => Promise<void>,
): AsyncIterable<readonly StreamFrame<ChatCompletionChunk>[]> {
  return {
    [Symbol.asyncIterator]() {
      const inner = frames[Symbol.asyncIterator]();
      const collector = new ReasoningCollector();
      return {
        async next() {
          const batch = await inner.next();
          if (batch.done) {
            await remember(collector);
            return batch;
          }
          for (const { chunk } of batch.value) {
            const delta: unknown = chunk?.choices?.[0]?.delta;
            if (typeof delta === "object" && delta !== null) collector.add(delta as Loose);
          }
          return batch;
        },
        return: () => inner.return?.() ?? Promise.resolve({ done: true as const, value: undefined }),
      };
    },
  };
}
