import { BackendClient } from "intellirouter/plugin";
import type { PluginHost, Provider } from "intellirouter/plugin";
import { loseTo } from "../hub/losses.ts";
import { createGeminiChat, type GeminiService } from "./create-chat.ts";
import { decodeBatch, encodeBatches, joinBatches, planEmbedding } from "./embed.ts";
import { errorFromGoogle } from "./errors.ts";
import { geminiFidelity } from "./fidelity.ts";
import { listGeminiModels } from "./model-list.ts";
import type { GeminiOptions } from "./options.ts";

/** A provider for Google's Gemini models, by the API of AI Studio. */
export function createGemini(options: GeminiOptions, host: PluginHost): Provider {
  const key = host.secret("api_key");
  const client = new BackendClient(host, {
    headers: {
      "content-type": "application/json",
      ...(key === undefined ? {} : { "x-goog-api-key": key }),
      ...options.headers,
    },
    secrets: key === undefined ? [] : [key],
    toError: errorFromGoogle,
  });
  const baseUrl = options.base_url.replace(/\/+$/, "");
  const service: GeminiService = {
    client,
    dialect: { callIds: true, serviceTiers: true, filesUrl: baseUrl, refusesPenalties: true },
    methodUrl: (model, method) => `${baseUrl}/${modelPath(model)}:${method}`,
  };
  return {
    chat: createGeminiChat(service, options, host),
    embeddings: {
      async create(request, context) {
        const plan = planEmbedding(request, loseTo(context.reportLoss));
        const url = await service.methodUrl(request.model, "batchEmbedContents", context);
        const answers = await Promise.all(
          encodeBatches(request.model, plan).map((body) => client.ask<unknown>(url, body, context)),
        );
        const batches = answers.map(({ body }) => decodeBatch(body));
        const headers = answers.at(-1)?.headers;
        return {
          body: joinBatches(request.model, plan, batches),
          ...(headers === undefined ? {} : { headers }),
        };
      },
    },
    reasoningReplay: "details",
    fileAddresses: true,
    fidelity: geminiFidelity,
    listModels: (context) =>
      listGeminiModels(`${baseUrl}/models`, (url, each) => client.get(url, each), context),
  };
}

/** Tuned models have a path of their own. */
function modelPath(model: string): string {
  const path = /^(models|tunedModels)\//.test(model) ? model : `models/${model}`;
  return path.split("/").map(encodeURIComponent).join("/");
}
