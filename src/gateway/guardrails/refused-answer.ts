import { guardrailProvider } from "../../lib/reserved-names.ts";
import type { CallContext, Provider, StreamFrame } from "../../plugin/api/provider.ts";
import type { ChatCompletion, ChatCompletionChunk } from "../../schema/chat-completion.ts";
import type { CompletionChunk } from "../../schema/completion.ts";
import { BegunStream } from "../begun-stream.ts";
import { ReplayedStream } from "../cache/cached-call.ts";
import type { GatewayAnswer, GatewayCall } from "../gateway-call.ts";
import type { RequestBody } from "../request-body.ts";
import type { RequestRecord } from "../request-record.ts";

/** An answer that refuses, in the client's protocol, for which no backend is asked. */
export async function refusedAnswer<Body extends RequestBody>(
  call: GatewayCall<Body>,
  stream: boolean,
  record: RequestRecord,
  nowMs: number,
): Promise<GatewayAnswer> {
  const { operation, body, requestId } = call;
  const created = Math.floor(nowMs / 1000);
  const provider = refusingProvider(record.refusal!, requestId, created);
  const options = {
    includeUsage: body.stream_options?.include_usage === true,
    forcedModel: body.model,
    fallbackId: requestId,
    fallbackModel: body.model,
    created,
  };
  const context: CallContext = {
    requestId,
    signal: call.signal,
    hops: call.hops,
    tenant: call.principal.tenant,
    reportLoss: () => {},
  };
  const answer = { target: guardrailProvider, losses: [], limits: record.metered!.limits };
  if (!stream) {
    const whole = await operation.complete(provider, body, context, options);
    record.refused();
    return { ...answer, content: { body: whole.body, text: whole.text } };
  }
  const opened = await operation.stream!(provider, body, context, options);
  const begun = await BegunStream.begin(opened.frames, opened.normaliser);
  const events: string[] = [];
  for (let texts = await begun.next(); texts !== undefined; texts = await begun.next()) events.push(...texts);
  record.refused();
  return { ...answer, content: { stream: new ReplayedStream(events) } };
}

/** Every protocol can be answered by one that speaks chat. */
function refusingProvider(refusal: string, requestId: string, created: number): Provider {
  const head = { id: `chatcmpl-${requestId}`, created, model: guardrailProvider };
  const usage = { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 };
  const piece = (delta: object, finish: string | null): StreamFrame<ChatCompletionChunk> => ({
    chunk: {
      ...head,
      object: "chat.completion.chunk",
      choices: [{ index: 0, delta, finish_reason: finish }],
    } as ChatCompletionChunk,
  });
  return {
    chat: {
      complete: () =>
        Promise.resolve({
          body: {
            ...head,
            object: "chat.completion",
            choices: [{
              index: 0,
              message: { role: "assistant", content: null, refusal },
              finish_reason: "content_filter",
              logprobs: null,
            }],
            usage,
          } as ChatCompletion,
        }),
      stream: () => Promise.resolve({ frames: pieces() }),
    },
    completions: {
      complete: () =>
        Promise.resolve({
          body: {
            ...head,
            object: "text_completion",
            choices: [{ index: 0, text: refusal, finish_reason: "content_filter", logprobs: null }],
            usage,
          },
        }),
      stream: () => Promise.resolve({ frames: texts() }),
    },
  };

  async function* texts() {
    const text = (said: string, finish: string | null) => ({
      chunk: {
        ...head,
        object: "text_completion",
        choices: [{ index: 0, text: said, finish_reason: finish, logprobs: null }],
      } as CompletionChunk,
    });
    yield [text(refusal, null), text("", "content_filter")];
  }

  async function* pieces() {
    yield [piece({ role: "assistant", content: "", refusal }, null), piece({}, "content_filter")];
    yield [{
      chunk: {
        ...head,
        object: "chat.completion.chunk",
        choices: [],
        usage,
      } as unknown as ChatCompletionChunk,
    }];
  }
}
