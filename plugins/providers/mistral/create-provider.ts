import { BackendClient } from "intellirouter/plugin";
import type {
  ChatCapability,
  ChatCompletionChunk,
  EmbeddingResponse,
  PluginHost,
  Provider,
} from "intellirouter/plugin";
import { withCustomTools } from "../hub/custom-tools.ts";
import { withLegacyFunctions } from "../hub/legacy-functions.ts";
import { type Loose, objectsOf } from "../hub/loose.ts";
import { describeModels } from "../openai-compatible/model-list.ts";
import { changeFrames } from "../hub/change-frames.ts";
import { decodeAnswer, decodeChunk, ThoughtCounter } from "./decode.ts";
import { encodeEmbedding, encodeRequest } from "./encode.ts";
import { prefixOf } from "./encode-messages.ts";
import { errorFromMistral } from "./errors.ts";
import { mistralFidelity } from "./fidelity.ts";
import type { MistralOptions } from "./options.ts";
import { PrefixFilter } from "./prefix-filter.ts";

/** A provider for Mistral's models: nearly OpenAI's protocol, and strict about the difference. */
export function createMistral(options: MistralOptions, host: PluginHost): Provider {
  const key = host.secret("api_key");
  const client = new BackendClient(host, {
    headers: {
      "content-type": "application/json",
      ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
      ...options.headers,
    },
    secrets: key === undefined ? [] : [key],
    toError: errorFromMistral,
  });
  const baseUrl = options.base_url.replace(/\/+$/, "");
  return {
    chat: withLegacyFunctions(withCustomTools(createChat(client, `${baseUrl}/chat/completions`, options))),
    embeddings: {
      create: (request, context) =>
        client.ask<EmbeddingResponse>(
          `${baseUrl}/embeddings`,
          encodeEmbedding(request, context.reportLoss),
          context,
        ),
    },
    ...(options.forward.length === 0 ? {} : {
      forward: {
        paths: options.forward,
        send: ({ path, contentType, body }, context) =>
          client.forward(baseUrl + path, contentType, body, context),
      },
    }),
    reasoningReplay: "details",
    fileAddresses: true,
    fidelity: mistralFidelity,
    listModels: async (context) => describeModels(await client.get(`${baseUrl}/models`, context)),
  };
}

function createChat(client: BackendClient, url: string, options: MistralOptions): ChatCapability {
  return {
    async complete(request, context) {
      const body = encodeRequest(request, options, false, context.reportLoss);
      const prefix = prefixIn(body);
      const { body: answer, headers } = await client.ask<unknown>(url, body, context);
      return {
        body: decodeAnswer(answer, () => new PrefixFilter(prefix)),
        ...(headers === undefined ? {} : { headers }),
      };
    },
    async stream(request, context) {
      const body = encodeRequest(request, options, true, context.reportLoss);
      const prefix = prefixIn(body);
      const { frames, headers } = await client.stream<ChatCompletionChunk>(url, body, context);
      const states = new Map<number, { thoughts: ThoughtCounter; prefix: PrefixFilter }>();
      const state = (index: number) => {
        const known = states.get(index) ??
          { thoughts: new ThoughtCounter(), prefix: new PrefixFilter(prefix) };
        states.set(index, known);
        return known;
      };
      return {
        frames: changeFrames(frames, (chunk) => decodeChunk(chunk, state)),
        ...(headers === undefined ? {} : { headers }),
      };
    },
  };
}

function prefixIn({ messages }: Loose): string {
  return prefixOf(objectsOf(messages));
}
