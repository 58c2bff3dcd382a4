import { BackendClient, definePlugin } from "intellirouter/plugin";
import type { PluginHost, Provider } from "intellirouter/plugin";
import { createGeminiChat, type GeminiService } from "../gemini/create-chat.ts";
import { joinBatches, planEmbedding } from "../gemini/embed.ts";
import { errorFromGoogle } from "../gemini/errors.ts";
import { geminiFidelity } from "../gemini/fidelity.ts";
import { listGeminiModels } from "../gemini/model-list.ts";
import { inOrder } from "../hub/in-order.ts";
import { loseTo } from "../hub/losses.ts";
import { modelPath, vertexRoot } from "./address.ts";
import { vertexCredential } from "./credential.ts";
import { decodeCall, mostCalls, planCalls } from "./embed.ts";
import { describePublished } from "./model-list.ts";
import { type VertexOptions, vertexOptions } from "./options.ts";

/** Gemini models in Google Cloud: the same protocol at other addresses, known by other credentials. */
export default definePlugin({
  apiVersion: 1,
  kind: "provider",
  name: "vertex",
  description: "Google's Gemini models, by Vertex AI.",
  options: vertexOptions,
  secrets: ["credentials", "access_token", "api_key"],
  discovery: {
    environment: {
      secrets: { credentials: ["GOOGLE_APPLICATION_CREDENTIALS_JSON"] },
      options: { project: ["GOOGLE_CLOUD_PROJECT"], location: ["GOOGLE_CLOUD_LOCATION"] },
      needs: [["credentials"]],
    },
  },
  priceId: "google",
  create: createVertex,
});

function createVertex(options: VertexOptions, host: PluginHost): Provider {
  const credential = vertexCredential(options, host);
  const client = new BackendClient(host, {
    headers: async (_request, context) => ({
      "content-type": "application/json",
      ...await credential.headers(context),
      ...options.headers,
    }),
    secrets: credential.secrets,
    toError: errorFromGoogle,
  });
  const root = vertexRoot(options);
  const project = options.project ?? credential.project;
  if (project === undefined && credential.needsProject) throw new Error("the option project is needed");
  const service: GeminiService = {
    client,
    dialect: { callIds: false, serviceTiers: false, refusesPenalties: false },
    methodUrl: (model, method) => `${root}/${modelPath(model, project, options.location)}:${method}`,
  };
  return {
    chat: createGeminiChat(service, options, host),
    embeddings: {
      async create(request, context) {
        const plan = planEmbedding(request, loseTo(context.reportLoss));
        const batches = await inOrder(planCalls(request, plan), mostCalls, async (call) => {
          const url = service.methodUrl(request.model, call.method);
          return decodeCall(call, (await client.ask<unknown>(url, call.body, context)).body);
        });
        return { body: joinBatches(request.model, plan, batches) };
      },
    },
    reasoningReplay: "details",
    fileAddresses: true,
    fidelity: { ...geminiFidelity, service_tier: "dropped" },
    listModels: (context) =>
      listGeminiModels(
        `${root}/publishers/google/models`,
        (url, each) => client.get(url, each),
        context,
        describePublished,
      ),
  };
}
