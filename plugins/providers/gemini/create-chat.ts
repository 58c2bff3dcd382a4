import type {
  BackendClient,
  BackendContext,
  CallContext,
  ChatCapability,
  ChatCompletionRequest,
  PluginHost,
} from "intellirouter/plugin";
import { translateFrames } from "intellirouter/plugin";
import { fanOut } from "../fan-out.ts";
import { withCustomTools } from "../hub/custom-tools.ts";
import { fetchInlineFiles } from "../hub/inline-files.ts";
import { withLegacyFunctions } from "../hub/legacy-functions.ts";
import type { Loose } from "../hub/loose.ts";
import type { AnswerContext } from "./answer.ts";
import { decodeAnswer } from "./decode.ts";
import { encodeRequest } from "./encode.ts";
import type { Dialect } from "./encode-context.ts";
import { isReadByApi } from "./encode-files.ts";
import { modelTraits } from "./model-traits.ts";
import type { GeminiModelOptions } from "./options.ts";
import { AnswerDecoder } from "./stream.ts";

export interface GeminiService {
  readonly client: BackendClient;
  readonly dialect: Dialect;
  /** The address of one of a model's methods, such as `generateContent`. */
  methodUrl(model: string, method: string, context: BackendContext): string | Promise<string>;
}

/** Chat with Gemini models, wherever they are served. */
export function createGeminiChat(
  service: GeminiService,
  options: GeminiModelOptions,
  host: PluginHost,
): ChatCapability {
  const direct = withLegacyFunctions(withCustomTools(createOne(service, options, host)));
  const many = fanOut(direct);
  return {
    complete: (request, context) => {
      const fits = (request.n ?? 1) <= modelTraits(request.model).candidates;
      return (fits ? direct : many).complete(request, context);
    },
    // Only whole answers come in several candidates.
    stream: (request, context) => many.stream(request, context),
  };
}

function createOne(
  { client, dialect, methodUrl }: GeminiService,
  options: GeminiModelOptions,
  host: PluginHost,
): ChatCapability {
  const encode = async (request: ChatCompletionRequest, context: CallContext) => {
    const { reportLoss, requestId, signal } = context;
    const files = await fetchInlineFiles(request, (url) => !isReadByApi(url), host, signal);
    const body = encodeRequest(request, { options, dialect, files, reportLoss });
    const created = Math.floor(host.now() / 1000);
    const answer: AnswerContext = { requestId, created, model: request.model, reportLoss };
    return { body, answer };
  };
  return {
    async complete(request, context) {
      const { body, answer } = await encode(request, context);
      const url = await methodUrl(request.model, "generateContent", context);
      const { body: given, headers } = await client.ask<unknown>(url, body, context);
      return { body: decodeAnswer(given, answer), ...(headers === undefined ? {} : { headers }) };
    },
    async stream(request, context) {
      const { body, answer } = await encode(request, context);
      const url = `${await methodUrl(request.model, "streamGenerateContent", context)}?alt=sse`;
      const { frames, headers } = await client.stream<Loose>(url, body, context);
      return {
        frames: translateFrames(frames, new AnswerDecoder(answer)),
        ...(headers === undefined ? {} : { headers }),
      };
    },
  };
}
