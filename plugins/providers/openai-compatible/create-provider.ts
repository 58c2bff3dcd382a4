import { UpstreamError } from "intellirouter/plugin";
import type {
  CallContext,
  CallResult,
  ChatCompletion,
  ChatCompletionChunk,
  Completion,
  CompletionChunk,
  EmbeddingResponse,
  PluginHost,
  Provider,
  StreamResult,
} from "intellirouter/plugin";
import { encodeHeaders, encodeRequest } from "./encode.ts";
import { eventFrames } from "./event-frames.ts";
import { describeModels } from "./model-list.ts";
import type { OpenAiCompatibleOptions } from "./options.ts";
import { readError, readJson } from "./read-json.ts";

type Body = Readonly<Record<string, unknown>>;

/** A provider for anything that speaks the OpenAI protocol. */
export function createOpenAiCompatible(options: OpenAiCompatibleOptions, host: PluginHost): Provider {
  const backend = new Backend(options, host);
  return {
    chat: {
      complete: (request, context) => backend.ask<ChatCompletion>("/chat/completions", request, context),
      stream: (request, context) =>
        backend.stream<ChatCompletionChunk>("/chat/completions", request, context),
    },
    completions: {
      complete: (request, context) => backend.ask<Completion>("/completions", request, context),
      stream: (request, context) => backend.stream<CompletionChunk>("/completions", request, context),
    },
    embeddings: {
      create: (request, context) => backend.ask<EmbeddingResponse>("/embeddings", request, context),
    },
    listModels: (context) => backend.listModels(context),
  };
}

class Backend {
  readonly #options: OpenAiCompatibleOptions;
  readonly #host: PluginHost;
  readonly #baseUrl: string;
  readonly #apiKey: string | undefined;
  readonly #headers: Record<string, string>;

  constructor(options: OpenAiCompatibleOptions, host: PluginHost) {
    this.#options = options;
    this.#host = host;
    this.#baseUrl = options.base_url.replace(/\/+$/, "");
    this.#apiKey = host.secret("api_key");
    this.#headers = encodeHeaders(options, this.#apiKey);
  }

  async ask<Answer>(path: string, request: Body, context: CallContext): Promise<CallResult<Answer>> {
    try {
      const response = await this.#post(path, encodeRequest(request, this.#options, false), context);
      const body = await readJson(response, context.signal, this.#host.now()) as Answer;
      return { body, headers: response.headers };
    } catch (error) {
      throw this.#withoutKey(error);
    }
  }

  async stream<Chunk>(path: string, request: Body, context: CallContext): Promise<StreamResult<Chunk>> {
    try {
      const response = await this.#post(path, encodeRequest(request, this.#options, true), context);
      if (!response.ok) throw await readError(response, context.signal, this.#host.now());
      const type = response.headers.get("content-type") ?? "";
      if (response.body === null || type.includes("text/html") || type.includes("application/json")) {
        // A whole answer where pieces were asked for is either an error or a backend that cannot stream.
        await readJson(response, context.signal, this.#host.now());
        throw new UpstreamError({
          kind: "bad_response",
          message: `it is ${type || "empty"} and not a stream`,
        });
      }
      const frames = eventFrames<Chunk>(response.body, context.signal, (error) => this.#withoutKey(error));
      return { frames, headers: response.headers };
    } catch (error) {
      throw this.#withoutKey(error);
    }
  }

  async listModels(context: CallContext) {
    const url = `${this.#baseUrl}/models`;
    try {
      const response = await this.#host.fetch(url, { headers: this.#headers, signal: context.signal });
      return describeModels(await readJson(response, context.signal, this.#host.now()));
    } catch (error) {
      throw this.#withoutKey(error);
    }
  }

  #post(path: string, body: Body, context: CallContext): Promise<Response> {
    return this.#host.fetch(this.#baseUrl + path, {
      method: "POST",
      headers: this.#headers,
      body: JSON.stringify(body),
      signal: context.signal,
    });
  }

  /** Some backends repeat the key in their complaint about it. */
  #withoutKey(error: unknown): unknown {
    const key = this.#apiKey;
    if (!(error instanceof UpstreamError) || key === undefined || !error.message.includes(key)) return error;
    const { kind, status, retryAfterMs, code, param } = error;
    return new UpstreamError({
      kind,
      status,
      retryAfterMs,
      code,
      param,
      message: error.message.replaceAll(key, "[key]"),
    });
  }
}
