import { BackendClient } from "intellirouter/plugin";
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
import { vertexLocation, type VertexOptions } from "./options.ts";

/** Gemini models in Google Cloud: the same protocol at other addresses, known by other credentials. */
export function createVertex(options: VertexOptions, host: PluginHost): Provider {
  const credential = vertexCredential(options, host);
  const client = new BackendClient(host, {
    headers: async (_request, context) => ({
      "content-type": "application/json",
      ...await credential.headers(context),
      ...options.headers,
    }),
    get secrets() {
      return credential.secrets;
    },
    toError: errorFromGoogle,
  });
  const location = locationOf(options, host);
  const root = vertexRoot(options, location);
  const known = options.project ?? credential.project ?? host.variable("GOOGLE_CLOUD_PROJECT");
  if (known === undefined && credential.needsProject && credential.findProject === undefined) {
    throw new Error("the option project is needed");
  }
  const service: GeminiService = {
    client,
    dialect: { callIds: false, serviceTiers: false, refusesPenalties: false },
    methodUrl: async (model, method, context) => {
      const project = known ?? await credential.findProject?.(context);
      return `${root}/${modelPath(model, project, location)}:${method}`;
    },
  };
  return {
    chat: createGeminiChat(service, options, host),
    embeddings: {
      async create(request, context) {
        const plan = planEmbedding(request, loseTo(context.reportLoss));
        const batches = await inOrder(planCalls(request, plan), mostCalls, async (call) => {
          const url = await service.methodUrl(request.model, call.method, context);
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

/** @throws where the environment names what is no location: it becomes part of a host's name. */
function locationOf({ location }: VertexOptions, host: PluginHost): string {
  const found = location ?? host.variable("GOOGLE_CLOUD_LOCATION") ?? "global";
  if (!vertexLocation.safeParse(found).success) throw new Error(`"${found}" is no location of Google Cloud`);
  return found;
}
