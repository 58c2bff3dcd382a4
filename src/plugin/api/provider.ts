import type { ChatFeature, Fidelity } from "./fidelity.ts";
import type {
  ChatCompletion,
  ChatCompletionChunk,
  ChatCompletionRequest,
} from "../../schema/chat-completion.ts";
import type { Completion, CompletionChunk, CompletionRequest } from "../../schema/completion.ts";
import type { EmbeddingRequest, EmbeddingResponse } from "../../schema/embedding.ts";
import type { Message, MessageEvent, MessagesRequest, TokenCount } from "../../schema/message.ts";
import type { ResponseEvent, ResponseObject, ResponsesRequest } from "../../schema/response.ts";

/** What travels with everything that a backend is asked. */
export interface BackendContext {
  /** The gateway's id of the client's request; sent upstream where the backend takes one. */
  readonly requestId: string;
  /**
   * Aborts when the client has left, the deadline has passed or one of the gateway's timers fired.
   * A provider hands it to `host.fetch` and otherwise lets the abort pass through; it sets no timers of its own.
   */
  readonly signal: AbortSignal;
  /** `traceparent` and `tracestate`, to be sent along: the backend's spans then belong to the client's trace. */
  readonly traceHeaders?: Readonly<Record<string, string>> | undefined;
  /** Gateways of this kind that the request has passed, this one included. Sent upstream, so that a loop is noticed. */
  readonly hops?: number;
}

/** What travels with one call on behalf of a client. */
export interface CallContext extends BackendContext {
  /**
   * Told, before the request goes out, what this backend's protocol cannot carry of it; told again while the answer is
   * read of what the client's cannot carry. Ends up in the decision record.
   *
   * @throws where the operator has forbidden losses; let it pass.
   */
  readonly reportLoss: (loss: FidelityLoss) => void;
  /** Whose request it is; state must not be shared between tenants. */
  readonly tenant: string;
  /**
   * Headers of the client's request that belong to its protocol, in lower case: `anthropic-version`, `anthropic-beta`. For
   * providers that speak that very protocol.
   */
  readonly protocolHeaders?: Readonly<Record<string, string>>;
  /** The client's own writing of the request, for a provider that speaks its protocol: `BackendClient` sends it where nothing was changed. */
  readonly written?: WrittenRequest | undefined;
}

/** A request as its client wrote it, with this target's name of the model in its place. */
export interface WrittenRequest {
  /** The very object that the provider was given: a request that was changed is another one. */
  readonly body: unknown;
  /** Undefined where the text can be read in two ways, and the object must be written anew. */
  text(): string | undefined;
}

/** Something that a translation could not carry over as it was. */
export interface FidelityLoss {
  /** Where, as a path in the client's own terms: `logit_bias`, `messages[2].content[0].input_audio`. */
  readonly field: string;
  readonly effect: "dropped" | "approximated";
  /** Why, and what was done instead: one sentence for the operator, without any of the content. */
  readonly detail: string;
}

/** A whole answer. */
export interface CallResult<Body> {
  /** In the OpenAI shape of the endpoint; may break the wire rules, the gateway mends what is faulty. */
  readonly body: Body;
  /** The exact text that `body` was parsed from. Given only when the backend's wire is the client's. */
  readonly text?: string;
  /** The backend's response headers, for its rate-limit state and request id. */
  readonly headers?: Headers;
}

/** One event of a stream. */
export interface StreamFrame<Chunk> {
  readonly chunk: Chunk;
  /**
   * The exact JSON text, on one line, that `chunk` was parsed from. Given only when the backend's wire is the
   * client's: the gateway then passes a faultless frame on without writing it anew.
   */
  readonly text?: string;
}

/** An answer in pieces. */
export interface StreamResult<Chunk> {
  /**
   * Frames in order, batched by what one read from the backend gave (a batch may be empty). The iteration ends
   * when the backend says that the stream is whole, and throws `UpstreamError` otherwise: a cut stream
   * (`unavailable`), an error event (by its kind), garbage (`bad_response`). Returning the iterator early
   * releases the connection.
   */
  readonly frames: AsyncIterable<readonly StreamFrame<Chunk>[]>;
  readonly headers?: Headers;
  /**
   * The client wants the first frame as soon as it comes, although it is no output yet. From then on no other target is tried;
   * without it a stream begins with its first output.
   */
  readonly hasBegun?: boolean;
}

/**
 * Chat completions. The request is in the OpenAI shape with `model` already set to the backend's own name for it;
 * fields that the gateway does not know are still there. An implementation
 * must not change the request object, retry, or choose another model.
 *
 * Both throw `UpstreamError` (and only it) when the backend fails.
 */
export interface ChatCapability {
  complete(request: ChatCompletionRequest, context: CallContext): Promise<CallResult<ChatCompletion>>;
  /**
   * Resolves when the backend has accepted the request (its headers are there). Must ask the backend for usage
   * when it can give it; the gateway hides it from clients that did not ask.
   */
  stream(request: ChatCompletionRequest, context: CallContext): Promise<StreamResult<ChatCompletionChunk>>;
}

/**
 * Anthropic's Messages protocol, for backends that speak it themselves: a client of that protocol then gets what the backend
 * sent, byte for byte. Without it such a client is served by `chat`, translated. The rules of `ChatCapability` hold; chunks are the
 * protocol's events.
 */
export interface MessagesCapability {
  complete(request: MessagesRequest, context: CallContext): Promise<CallResult<Message>>;
  stream(request: MessagesRequest, context: CallContext): Promise<StreamResult<MessageEvent>>;
  /** Tokens that the request would have as input, by the backend's own count. */
  countTokens?(request: MessagesRequest, context: CallContext): Promise<CallResult<TokenCount>>;
}

/**
 * OpenAI's Responses protocol, for backends that speak it themselves: a client of that protocol then gets what the backend sent.
 * Without it such a client is served by `chat`, translated. The rules of `ChatCapability` hold; chunks are the protocol's events.
 *
 * The gateway keeps the conversations itself: a request comes with `store: false`, all of its items and no
 * `previous_response_id`.
 */
export interface ResponsesCapability {
  complete(request: ResponsesRequest, context: CallContext): Promise<CallResult<ResponseObject>>;
  stream(request: ResponsesRequest, context: CallContext): Promise<StreamResult<ResponseEvent>>;
}

/** Legacy text completions; the rules of `ChatCapability` hold. */
export interface CompletionsCapability {
  complete(request: CompletionRequest, context: CallContext): Promise<CallResult<Completion>>;
  stream(request: CompletionRequest, context: CallContext): Promise<StreamResult<CompletionChunk>>;
}

/**
 * Embeddings. The gateway itself honours `encoding_format`, so an implementation may answer with lists of numbers
 * or with base64 text, whatever the backend gives.
 */
export interface EmbeddingsCapability {
  create(request: EmbeddingRequest, context: CallContext): Promise<CallResult<EmbeddingResponse>>;
}

/** A request that is handed on as it is. */
export interface ForwardRequest {
  /** Below `/v1`, such as `/audio/speech`. */
  readonly path: string;
  /** The backend's own name of the model; it is in the body, too. */
  readonly model: string;
  readonly contentType: string;
  /** The model in it is already the backend's own. */
  readonly body: string | ReadableStream<Uint8Array<ArrayBuffer>>;
}

/**
 * Endpoints of the OpenAI protocol whose requests and answers the gateway hands on without reading them: moderations, images, audio.
 * Only what the backend really has is listed.
 */
export interface ForwardCapability {
  /** Paths below `/v1`. */
  readonly paths: readonly string[];
  /**
   * Resolves with the response once its headers are there; its body is read as it comes.
   * @throws {UpstreamError} for every status but success.
   */
  send(request: ForwardRequest, context: CallContext): Promise<Response>;
}

/** What is known of one model; every field but the id is optional because most backends tell little. */
export interface ModelDescription {
  /** The backend's own name of the model. */
  readonly id: string;
  /** Seconds since the epoch. */
  readonly created?: number;
  readonly ownedBy?: string;
  /** Context window in tokens. */
  readonly contextLength?: number;
  readonly maxOutputTokens?: number;
  /** `false` is certain knowledge and removes the model from the candidates; absent means unknown and does not. */
  readonly tools?: boolean;
  readonly vision?: boolean;
  readonly jsonSchema?: boolean;
  readonly embeddings?: boolean;
  readonly chat?: boolean;
  /** Not a real model: it makes its answers up. */
  readonly mock?: boolean;
}

/**
 * A model connector. A capability exists when the member exists; there are no "not supported" stubs.
 */
export interface Provider {
  readonly chat?: ChatCapability;
  readonly messages?: MessagesCapability;
  readonly responses?: ResponsesCapability;
  readonly completions?: CompletionsCapability;
  readonly embeddings?: EmbeddingsCapability;
  readonly forward?: ForwardCapability;
  /**
   * How the backend takes back what it thought in earlier turns: as `reasoning_details` (and `extra_content` of tool calls), or as the
   * text `reasoning_content`. The gateway remembers it for clients that do not send it. Absent: not at all, and it is left out of
   * what is translated for this backend, since strict ones refuse fields that they do not know.
   */
  readonly reasoningReplay?: "details" | "text";
  /**
   * Takes `cache_control` marks on parts, messages, tool calls and tools. Without it they are left out of what is translated for this
   * backend: strict ones refuse fields that they do not know.
   */
  readonly cacheMarks?: boolean;
  /**
   * Takes addresses (`https:`) as `file_data` of file parts: the backend fetches them, or the provider does with `host.download`. Without it
   * they are left out of what is translated for this backend.
   */
  readonly fileAddresses?: boolean;
  /** What becomes of each feature of a chat; `full` where nothing is said. Shown at `GET /v1/capabilities`. */
  readonly fidelity?: Readonly<Partial<Record<ChatFeature, Fidelity>>>;
  /** The models that the backend offers now. Called in the background; throws `UpstreamError`. */
  listModels?(context: BackendContext): Promise<readonly ModelDescription[]>;
  /** Models that are known without asking. */
  readonly models?: readonly ModelDescription[];
  close?(): void | Promise<void>;
}

/** How a gateway without configuration finds a provider. */
export interface ProviderDiscovery {
  readonly environment?: EnvironmentDiscovery;
  readonly loopback?: LoopbackDiscovery;
  /** `true` for a provider that needs nothing and is always there in a gateway without configuration. */
  readonly always?: boolean;
}

/** What a provider is made of when the environment has it. Variables are named in order of preference. */
export interface EnvironmentDiscovery {
  /** The variables that may hold each secret. */
  readonly secrets: Readonly<Record<string, readonly string[]>>;
  /** The variables that, when set, become options (as text). */
  readonly options?: Readonly<Record<string, readonly string[]>>;
  /**
   * Names of secrets and options that together make the provider present; any of the lists is enough.
   * Absent: `[["api_key"]]`.
   */
  readonly needs?: readonly (readonly string[])[];
}

/** Present when a server on this machine answers the probe as this provider's software does. */
export interface LoopbackDiscovery {
  /** Usual ports, in order. */
  readonly ports: readonly number[];
  /** Path of a GET that answers quickly and without a key. */
  readonly path: string;
  /** Decides from the response's headers and text (at most 64 KiB) whether it is this software. Must not throw. */
  recognise(response: { readonly status: number; readonly headers: Headers; readonly text: string }): boolean;
  /** Options for `create` once found, given the origin such as `http://127.0.0.1:11434`. */
  options(origin: string): Readonly<Record<string, unknown>>;
}
