import { BackendClient } from "intellirouter/plugin";
import type {
  ChatCompletion,
  ChatCompletionChunk,
  Completion,
  CompletionChunk,
  EmbeddingResponse,
  PluginHost,
  Provider,
  ResponseEvent,
  ResponseObject,
} from "intellirouter/plugin";
import { encodeHeaders, encodeRequest, encodeResponsesRequest } from "./encode.ts";
import { describeModels } from "./model-list.ts";
import type { OpenAiCompatibleOptions } from "./options.ts";

/** A provider for anything that speaks the OpenAI protocol. */
export function createOpenAiCompatible(options: OpenAiCompatibleOptions, host: PluginHost): Provider {
  const apiKey = host.secret("api_key");
  const client = new BackendClient(host, {
    headers: encodeHeaders(options, apiKey),
    // Keys often travel in headers of other names.
    secrets: [...(apiKey === undefined ? [] : [apiKey]), ...Object.values(options.headers).filter(isLong)],
  });
  const baseUrl = options.base_url.replace(/\/+$/, "");
  const chatUrl = `${baseUrl}/chat/completions`;
  const responsesUrl = `${baseUrl}/responses`;
  const completionsUrl = `${baseUrl}/completions`;
  return {
    chat: {
      complete: (request, context) =>
        client.ask<ChatCompletion>(chatUrl, encodeRequest(request, options, false), context),
      stream: (request, context) =>
        client.stream<ChatCompletionChunk>(
          chatUrl,
          encodeRequest(request, options, true),
          context,
          undefined,
          wholeAsChunk,
        ),
    },
    ...(options.responses_api
      ? {
        responses: {
          complete: (request, context) =>
            client.ask<ResponseObject>(
              responsesUrl,
              encodeResponsesRequest(request, options, false),
              context,
            ),
          stream: (request, context) =>
            client.stream<ResponseEvent>(
              responsesUrl,
              encodeResponsesRequest(request, options, true),
              context,
              isLastResponseEvent,
            ),
        },
      } satisfies Pick<Provider, "responses">
      : {}),
    completions: {
      complete: (request, context) =>
        client.ask<Completion>(completionsUrl, encodeRequest(request, options, false), context),
      stream: (request, context) =>
        client.stream<CompletionChunk>(completionsUrl, encodeRequest(request, options, true), context),
    },
    embeddings: {
      create: (request, context) =>
        client.ask<EmbeddingResponse>(
          `${baseUrl}/embeddings`,
          encodeRequest(request, options, false),
          context,
        ),
    },
    ...(options.reasoning_replay === "none" ? {} : { reasoningReplay: options.reasoning_replay }),
    ...(options.cache_marks ? { cacheMarks: true } : {}),
    ...(options.forward.length === 0 ? {} : {
      forward: {
        paths: options.forward,
        send: ({ path, contentType, body }, context) =>
          client.forward(baseUrl + path, contentType, body, context),
      },
    }),
    listModels: async (context) => describeModels(await client.get(`${baseUrl}/models`, context)),
  };
}

/** The gateway takes a whole answer that comes as the only piece. */
export function wholeAsChunk(answer: unknown): readonly ChatCompletionChunk[] {
  return [answer as ChatCompletionChunk];
}

/** The connection may stay open after it. */
function isLastResponseEvent({ type }: ResponseEvent): boolean {
  return type === "response.completed" || type === "response.failed" || type === "response.incomplete";
}

/** Shorter values are words, which must stay readable. */
function isLong(value: string): boolean {
  return value.length >= 8;
}
