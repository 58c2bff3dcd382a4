import { BackendClient } from "intellirouter/plugin";
import type {
  ChatCompletion,
  ChatCompletionChunk,
  Completion,
  CompletionChunk,
  EmbeddingResponse,
  PluginHost,
  Provider,
} from "intellirouter/plugin";
import { encodeRequest } from "../openai-compatible/encode.ts";
import { wholeAsChunk } from "../openai-compatible/create-provider.ts";
import { describeModels } from "../openai-compatible/model-list.ts";
import { forwardPaths, openAiCompatibleOptions } from "../openai-compatible/options.ts";
import { azureCredential } from "./credential.ts";
import type { AzureOpenAiOptions } from "./options.ts";

/** OpenAI's protocol at Azure's addresses. */
export function createAzureOpenAi(options: AzureOpenAiOptions, host: PluginHost): Provider {
  const credential = azureCredential(options, host);
  const client = new BackendClient(host, {
    headers: async (_request, context) => ({
      "content-type": "application/json",
      ...await credential.headers(context),
    }),
    secrets: credential.secrets,
  });
  const root = options.base_url.replace(/\/+$/, "");
  const version = options.api_version;
  const url = (path: string, model: string) =>
    version === undefined
      ? `${root}/openai/v1${path}`
      : `${root}/openai/deployments/${encodeURIComponent(model)}${path}?api-version=${version}`;
  const dialect = openAiCompatibleOptions.parse({ base_url: root });
  const body = (request: Readonly<Record<string, unknown>>, stream: boolean) =>
    encodeRequest(request, dialect, stream);
  return {
    chat: {
      complete: (request, context) =>
        client.ask<ChatCompletion>(url("/chat/completions", request.model), body(request, false), context),
      stream: (request, context) =>
        client.stream<ChatCompletionChunk>(
          url("/chat/completions", request.model),
          body(request, true),
          context,
          undefined,
          wholeAsChunk,
        ),
    },
    completions: {
      complete: (request, context) =>
        client.ask<Completion>(url("/completions", request.model), body(request, false), context),
      stream: (request, context) =>
        client.stream<CompletionChunk>(url("/completions", request.model), body(request, true), context),
    },
    embeddings: {
      create: (request, context) =>
        client.ask<EmbeddingResponse>(url("/embeddings", request.model), body(request, false), context),
    },
    forward: {
      paths: forwardPaths.filter((path) => path !== "/moderations"),
      send: ({ path, model, contentType, body }, context) =>
        client.forward(url(path, model), contentType, body, context),
    },
    // The classic addresses list what the region has, not what is deployed.
    ...(version === undefined
      ? { listModels: async (context) => describeModels(await client.get(url("/models", ""), context)) }
      : {}),
  };
}
