import type {
  BackendContext,
  CallContext,
  ChatCapability,
  ChatCompletionRequest,
  PluginHost,
  Provider,
} from "intellirouter/plugin";
import { translateFrames } from "intellirouter/plugin";
import { fanOut } from "../fan-out.ts";
import { withCustomTools } from "../hub/custom-tools.ts";
import { fetchInlineFiles } from "../hub/inline-files.ts";
import { withLegacyFunctions } from "../hub/legacy-functions.ts";
import type { AnswerContext } from "./answer.ts";
import { type BedrockClient, createBedrockClient } from "./bedrock-client.ts";
import { decodeAnswer } from "./decode.ts";
import { createEmbeddings } from "./embeddings.ts";
import { encodeRequest, isFetchedHere } from "./encode.ts";
import { converseEvents } from "./event-stream.ts";
import { bedrockFidelity } from "./fidelity.ts";
import { familyTraits } from "./model-family.ts";
import { describeModels } from "./model-list.ts";
import { type BedrockOptions, bedrockRegion } from "./options.ts";
import { ConverseDecoder } from "./stream.ts";

/** A provider for the models on AWS Bedrock, by its Converse API. */
export async function createBedrock(options: BedrockOptions, host: PluginHost): Promise<Provider> {
  const bedrock = createBedrockClient(options, await regionOf(options, host), host);
  return {
    chat: fanOut(withLegacyFunctions(withCustomTools(createChat(bedrock, options, host)))),
    embeddings: createEmbeddings(bedrock, options),
    reasoningReplay: "details",
    cacheMarks: true,
    fileAddresses: true,
    fidelity: bedrockFidelity,
    listModels: (context) => listModels(bedrock, context),
  };
}

/** @throws where the environment names what is no region: it becomes part of a host's name. */
async function regionOf({ region, profile }: BedrockOptions, host: PluginHost): Promise<string> {
  if (region !== undefined) return region;
  const found = host.variable("AWS_REGION") ?? host.variable("AWS_DEFAULT_REGION") ??
    await readRegion(profile) ?? "us-east-1";
  if (!bedrockRegion.safeParse(found).success) throw new Error(`"${found}" is no AWS region`);
  return found;
}

async function readRegion(profile: string | undefined): Promise<string | undefined> {
  const { regionOfProfile } = await import("./aws-region.ts");
  return await regionOfProfile(profile);
}

function createChat(bedrock: BedrockClient, options: BedrockOptions, host: PluginHost): ChatCapability {
  const { client, modelUrl } = bedrock;
  const encode = async (request: ChatCompletionRequest, context: CallContext) => {
    const files = await fetchInlineFiles(request, isFetchedHere, host, context.signal);
    const { reportLoss } = context;
    const { body, answerTool } = encodeRequest(request, { options, files, reportLoss });
    const answer: AnswerContext = {
      answerTool,
      id: context.requestId,
      created: Math.floor(host.now() / 1000),
      model: request.model,
      isClaude: familyTraits(request.model).claude !== undefined,
      reportLoss,
    };
    return { body, answer };
  };
  return {
    async complete(request, context) {
      const { body, answer } = await encode(request, context);
      const result = await client.ask<unknown>(modelUrl(request.model, "converse"), body, context);
      const { headers } = result;
      return { body: decodeAnswer(result.body, answer), ...(headers === undefined ? {} : { headers }) };
    },
    async stream(request, context) {
      const { body, answer } = await encode(request, context);
      const response = await client.open(modelUrl(request.model, "converse-stream"), body, context);
      const events = converseEvents(response.body!, context.signal);
      return { frames: translateFrames(events, new ConverseDecoder(answer)), headers: response.headers };
    },
  };
}

async function listModels({ client, controlUrl }: BedrockClient, context: BackendContext) {
  const [models, profiles] = await Promise.all([
    client.get(controlUrl("/foundation-models"), context),
    // Older accounts and narrow policies have no profiles; the models on demand are listed nevertheless.
    client.get(controlUrl("/inference-profiles?maxResults=1000&type=SYSTEM_DEFINED"), context).catch(() => {
      context.signal.throwIfAborted();
      return {};
    }),
  ]);
  return describeModels(models, profiles);
}
