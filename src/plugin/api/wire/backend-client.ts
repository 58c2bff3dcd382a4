import type { PluginHost } from "../host.ts";
import type { BackendContext, CallContext, CallResult, StreamFrame, StreamResult } from "../provider.ts";
import { UpstreamError } from "../upstream-error.ts";
import { errorFromResponse } from "./error-body.ts";
import { eventFrames } from "./event-frames.ts";
import { readJson } from "./read-json.ts";

/** Characters; no vendor's keys are shorter. */
const shortestSecret = 8;

type AskContext = BackendContext & Pick<CallContext, "written">;

/** A request as it will go out, for those who must sign it. */
export interface OutgoingRequest {
  readonly method: "GET" | "POST" | "DELETE";
  readonly url: string;
  /** The exact bytes of the body; empty for GET. */
  readonly body: string;
}

export interface BackendClientOptions {
  /** Of every request; a function where they depend on it (signatures) or must be fetched first (tokens). */
  readonly headers:
    | Readonly<Record<string, string>>
    | ((
      request: OutgoingRequest,
      context: BackendContext,
    ) => Readonly<Record<string, string>> | Promise<Readonly<Record<string, string>>>);
  /** What must never show in an error message: some backends repeat the key in their complaint about it. */
  readonly secrets: readonly string[];
  /**
   * Makes the error of a response with a failure status, where the backend's errors need more than the shared reading.
   *
   * @param now wall clock in milliseconds, for delays that are given as dates.
   */
  readonly toError?:
    | ((status: number, headers: Headers, body: string, now: number) => UpstreamError)
    | undefined;
}

/**
 * Asks a backend over HTTP and JSON, and reads what comes back, be it an answer, an error or a stream.
 * Everything that fails comes out as an `UpstreamError` without secrets, an abort as the signal's own reason.
 */
export class BackendClient {
  readonly #host: Pick<PluginHost, "fetch" | "now">;
  readonly #options: BackendClientOptions;

  constructor(host: Pick<PluginHost, "fetch" | "now">, options: BackendClientOptions) {
    this.#host = host;
    this.#options = options;
  }

  /** Posts `body` as JSON, as the client wrote it where it is the client's own, and gives the JSON of the answer. */
  ask<Answer>(url: string, body: unknown, context: AskContext): Promise<CallResult<Answer>> {
    return this.#guard(async () => {
      const response = await this.#send("POST", url, writing(body, context), context);
      const { value, text } = await this.#json(response, context);
      return { body: value as Answer, text, headers: response.headers };
    });
  }

  /** The JSON that a GET of `url` gives. */
  get(url: string, context: BackendContext): Promise<unknown> {
    return this.#guard(async () =>
      (await this.#json(await this.#send("GET", url, "", context), context)).value
    );
  }

  /**
   * Posts `body` as JSON and reads the answer as server-sent events of JSON.
   *
   * @param isLast knows the event with which the protocol ends, where that is not `[DONE]`.
   * @param wholeAsEvents makes events of a whole answer: some backends, and proxies before them, give one where a stream was asked
   * for. Absent: such an answer is a failure.
   */
  stream<Event>(
    url: string,
    body: unknown,
    context: AskContext,
    isLast?: (event: Event) => boolean,
    wholeAsEvents?: (answer: unknown) => readonly Event[],
  ): Promise<StreamResult<Event>> {
    return this.#guard(async () => {
      const response = await this.#send("POST", url, writing(body, context), context);
      const { headers } = response;
      if (response.ok && wholeAsEvents !== undefined && isJson(headers)) {
        const { value } = await this.#json(response, context);
        return { frames: oneBatch(wholeAsEvents(value)), headers };
      }
      await this.#mustBeStream(response, context);
      const frames = eventFrames<Event>(
        response.body!,
        context.signal,
        (error) => this.#withoutSecrets(error),
        isLast,
      );
      return { frames, headers };
    });
  }

  /** Posts `body` as JSON and gives the response once it is known to be a stream, for backends with a framing of their own. */
  open(url: string, body: unknown, context: AskContext): Promise<Response> {
    return this.#guard(async () => {
      const response = await this.#send("POST", url, writing(body, context), context);
      await this.#mustBeStream(response, context);
      return response;
    });
  }

  /** Posts a body as it is and gives the response once its headers say success. */
  forward(
    url: string,
    contentType: string,
    body: string | ReadableStream<Uint8Array<ArrayBuffer>>,
    context: BackendContext,
  ): Promise<Response> {
    return this.#guard(async () => {
      const response = await this.#send("POST", url, body, context, contentType);
      if (!response.ok) await this.#json(response, context);
      return response;
    });
  }

  /** @throws {UpstreamError} for a failure, and for a whole answer where pieces were asked for. */
  async #mustBeStream(response: Response, context: BackendContext): Promise<void> {
    const type = response.headers.get("content-type") ?? "";
    if (response.ok && response.body !== null && !/text\/html|application\/json/.test(type)) return;
    await this.#json(response, context);
    throw new UpstreamError({
      kind: "bad_response",
      message: `it is ${type || "empty"} and not a stream`,
    });
  }

  async #send(
    method: OutgoingRequest["method"],
    url: string,
    body: string | ReadableStream<Uint8Array<ArrayBuffer>>,
    context: BackendContext,
    contentType?: string,
  ): Promise<Response> {
    const { headers } = this.#options;
    const signed = typeof body === "string" ? body : "";
    const own = typeof headers === "function"
      ? await headers({ method, url, body: signed }, context)
      : headers;
    return this.#host.fetch(url, {
      method,
      headers: {
        "user-agent": "IntelliRouter",
        "x-client-request-id": context.requestId,
        "x-intellirouter-hops": String(context.hops ?? 1),
        ...context.traceHeaders,
        ...own,
        ...(contentType === undefined ? {} : { "content-type": contentType }),
      },
      signal: context.signal,
      ...(method === "GET" ? {} : { body }),
    });
  }

  async #json(
    response: Response,
    { signal }: BackendContext,
  ): Promise<{ readonly value: unknown; readonly text: string }> {
    const toError = this.#options.toError ?? errorFromResponse;
    return await readJson(
      response,
      signal,
      (text) => toError(response.status, response.headers, text, this.#host.now()),
    );
  }

  async #guard<Value>(work: () => Promise<Value>): Promise<Value> {
    try {
      return await work();
    } catch (error) {
      throw this.#withoutSecrets(error);
    }
  }

  #withoutSecrets(error: unknown): unknown {
    if (!(error instanceof UpstreamError)) return error;
    let message = error.message;
    for (const secret of this.#options.secrets) {
      // Shorter ones are no keys but words, which must stay readable.
      if (secret.length >= shortestSecret) message = message.replaceAll(secret, "[key]");
    }
    if (message === error.message) return error;
    const { kind, status, retryAfterMs, code, param } = error;
    return new UpstreamError({ kind, status, retryAfterMs, code, param, message });
  }
}

function isJson(headers: Headers): boolean {
  return /application\/json/.test(headers.get("content-type") ?? "");
}

async function* oneBatch<Event>(events: readonly Event[]): AsyncIterable<readonly StreamFrame<Event>[]> {
  yield events.map((chunk) => ({ chunk }));
}

function writing(body: unknown, { written }: AskContext): string {
  return (written?.body === body ? written?.text() : undefined) ?? JSON.stringify(body);
}
