import { BackendClient, isUpstreamError, translateFrames } from "intellirouter/plugin";
import type {
  CallContext,
  ChatCapability,
  ChatCompletionRequest,
  PluginHost,
  Provider,
} from "intellirouter/plugin";
import { fanOut } from "../fan-out.ts";
import { bodyFrames } from "../hub/body-frames.ts";
import { withCustomTools } from "../hub/custom-tools.ts";
import { inOrder } from "../hub/in-order.ts";
import { fetchInlineFiles } from "../hub/inline-files.ts";
import { withLegacyFunctions } from "../hub/legacy-functions.ts";
import { asCount, asObject, type Loose } from "../hub/loose.ts";
import type { AnswerContext } from "./answer.ts";
import { decodeAnswer } from "./decode.ts";
import { encodeEmbedding, encodeRequest } from "./encode.ts";
import { errorFromOllama } from "./errors.ts";
import { ollamaFidelity } from "./fidelity.ts";
import { describeModel, modelNames } from "./model-list.ts";
import { NdjsonReader } from "./ndjson-reader.ts";
import type { OllamaOptions } from "./options.ts";
import { LineDecoder } from "./stream.ts";

/** Models that are asked after at a time. */
const mostShows = 4;

/** A provider for Ollama by its own protocol: it has contexts, thinking, and what models can do beside its OpenAI-compatible endpoint. */
export function createOllama(options: OllamaOptions, host: PluginHost): Provider {
  const key = host.secret("api_key");
  const client = new BackendClient(host, {
    headers: {
      "content-type": "application/json",
      ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
      ...options.headers,
    },
    secrets: key === undefined ? [] : [key],
    toError: errorFromOllama,
  });
  const baseUrl = options.base_url.replace(/\/+$/, "");
  return {
    chat: fanOut(
      withLegacyFunctions(withCustomTools(createChat(client, `${baseUrl}/api/chat`, options, host))),
    ),
    embeddings: {
      async create(request, context) {
        const body = encodeEmbedding(request, options, context.reportLoss);
        const { body: given, headers } = await client.ask<unknown>(`${baseUrl}/api/embed`, body, context);
        return {
          body: decodeEmbeddings(given, request.model),
          ...(headers === undefined ? {} : { headers }),
        };
      },
    },
    reasoningReplay: "text",
    fileAddresses: true,
    fidelity: ollamaFidelity,
    async listModels(context) {
      const names = modelNames(await client.get(`${baseUrl}/api/tags`, context));
      const call: CallContext = { ...context, reportLoss: () => {}, tenant: "" };
      return await inOrder(names, mostShows, async (model) => {
        const show = await client.ask<unknown>(`${baseUrl}/api/show`, { model }, call).catch(unknownModel);
        return describeModel(model, show.body, options.num_ctx);
      });
    },
  };
}

/** A model that was removed meanwhile, or an old server; it is listed with nothing known. */
function unknownModel(error: unknown) {
  if (isUpstreamError(error)) return { body: {} };
  throw error;
}

function createChat(
  client: BackendClient,
  url: string,
  options: OllamaOptions,
  host: PluginHost,
): ChatCapability {
  const encode = async (request: ChatCompletionRequest, stream: boolean, context: CallContext) => {
    const { reportLoss, requestId, signal } = context;
    const files = await fetchInlineFiles(request, () => true, host, signal);
    const body = encodeRequest(request, { options, files, stream, reportLoss });
    const answer: AnswerContext = { requestId, created: Math.floor(host.now() / 1000), model: request.model };
    return { body, answer };
  };
  return {
    async complete(request, context) {
      const { body, answer } = await encode(request, false, context);
      const { body: given, headers } = await client.ask<unknown>(url, body, context);
      return { body: decodeAnswer(given, answer), ...(headers === undefined ? {} : { headers }) };
    },
    async stream(request, context) {
      const { body, answer } = await encode(request, true, context);
      const response = await client.open(url, body, context);
      const lines = bodyFrames(response.body!, context.signal, new NdjsonReader<Loose>());
      return { frames: translateFrames(lines, new LineDecoder(answer)), headers: response.headers };
    },
  };
}

function decodeEmbeddings(given: unknown, model: string) {
  const { embeddings, prompt_eval_count: tokens } = asObject(given);
  const vectors: readonly unknown[] = Array.isArray(embeddings) ? embeddings : [];
  const count = asCount(tokens);
  return {
    object: "list" as const,
    // What is no vector the gateway complains of.
    data: vectors.map((vector, index) => ({
      object: "embedding" as const,
      index,
      embedding: vector as number[],
    })),
    model,
    usage: { prompt_tokens: count, total_tokens: count },
  };
}
