/**
 * A backend for tests: a real HTTP server on loopback that speaks the OpenAI protocol, records what it was asked, and
 * misbehaves on demand. The model's name decides how; `on` adds further ways.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";

export interface UpstreamCall {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  // deno-lint-ignore no-explicit-any -- a test looks into whatever was sent.
  readonly body: any;
  /** Resolves when the caller has gone before the answer was complete. */
  /** The body as it came. */
  readonly text: string;
  readonly aborted: Promise<void>;
  readonly wasAborted: () => boolean;
}

export type UpstreamHandler = (call: UpstreamCall, response: ServerResponse) => void | Promise<void>;

export interface Upstream {
  /** `http://127.0.0.1:PORT/v1` */
  readonly url: string;
  readonly port: number;
  readonly calls: readonly UpstreamCall[];
  /** Answers requests for this model, instead of the built-in way. */
  on(model: string, handler: UpstreamHandler): void;
  /** Streams that are open now. */
  readonly open: () => number;
  close(): Promise<void>;
}

const head = { created: 1_700_000_000 };

export function completion(model: string, overrides: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    id: "chatcmpl-upstream",
    object: "chat.completion",
    ...head,
    model,
    choices: [{
      index: 0,
      message: { role: "assistant", content: "Hello from upstream.", refusal: null },
      logprobs: null,
      finish_reason: "stop",
    }],
    usage: { prompt_tokens: 9, completion_tokens: 5, total_tokens: 14 },
    ...overrides,
  };
}

export function chunk(
  model: string,
  delta: Record<string, unknown>,
  finish: string | null = null,
): Record<string, unknown> {
  return {
    id: "chatcmpl-upstream",
    object: "chat.completion.chunk",
    ...head,
    model,
    choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }],
  };
}

/** `data: {…}` and a blank line. */
export function event(value: unknown): string {
  return `data: ${typeof value === "string" ? value : JSON.stringify(value)}\n\n`;
}

export function sendJson(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(JSON.stringify(body));
}

export function startStream(response: ServerResponse): void {
  response.writeHead(200, { "content-type": "text/event-stream" });
  response.flushHeaders();
}

export function errorBody(
  message: string,
  code: string | null = null,
  type = "error",
): Record<string, unknown> {
  return { error: { message, type, param: null, code } };
}

export async function startUpstream(): Promise<Upstream> {
  const calls: UpstreamCall[] = [];
  const handlers = new Map<string, UpstreamHandler>();
  let open = 0;
  const server = createServer(async (request, response) => {
    open++;
    response.on("close", () => open--);
    const call = await record(request, response);
    calls.push(call);
    try {
      const handler = handlers.get(call.body?.model) ?? builtIn(call);
      await handler(call, response);
    } catch {
      response.destroy();
    }
  });
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", 4096, () => resolve()));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/v1`,
    port,
    calls,
    on: (model, handler) => void handlers.set(model, handler),
    open: () => open,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function record(request: IncomingMessage, response: ServerResponse): Promise<UpstreamCall> {
  const aborted = Promise.withResolvers<void>();
  let gone = false;
  response.on("close", () => {
    if (response.writableFinished) return;
    gone = true;
    aborted.resolve();
  });
  let text = "";
  for await (const piece of request.setEncoding("utf8")) text += piece;
  return {
    method: request.method ?? "",
    path: request.url ?? "",
    headers: request.headers,
    body: text === "" ? undefined : JSON.parse(text),
    text,
    aborted: aborted.promise,
    wasAborted: () => gone,
  };
}

function builtIn(call: UpstreamCall): UpstreamHandler {
  if (call.path.endsWith("/models")) return models;
  if (call.path.endsWith("/embeddings")) return embeddings;
  if (call.path.endsWith("/chat/completions")) return chat[call.body?.model] ?? chat.normal!;
  return (_call, response) => sendJson(response, 404, errorBody("Unknown URL", "unknown_url"));
}

const models: UpstreamHandler = (_call, response) =>
  sendJson(response, 200, {
    object: "list",
    data: ["normal", "org/model:tag"].map((id) => ({
      id,
      object: "model",
      created: 1,
      owned_by: "upstream",
    })),
  });

const embeddings: UpstreamHandler = ({ body }, response) => {
  const inputs = Array.isArray(body.input) ? body.input : [body.input];
  const data = inputs.map((_input: unknown, index: number) => ({
    object: "embedding",
    index,
    embedding: [0.5, -0.25, index],
  }));
  sendJson(response, 200, {
    object: "list",
    data,
    model: body.model,
    usage: { prompt_tokens: 3, total_tokens: 3 },
  });
};

const normal: UpstreamHandler = ({ body }, response) => {
  if (!body.stream) return sendJson(response, 200, completion(body.model));
  startStream(response);
  response.write(event(chunk(body.model, { role: "assistant", content: "" })));
  for (const content of ["Hello", " from", " upstream", "."]) {
    response.write(event(chunk(body.model, { content })));
  }
  response.write(event(chunk(body.model, {}, "stop")));
  if (body.stream_options?.include_usage) {
    response.write(
      event({
        ...chunk(body.model, {}),
        choices: [],
        usage: { prompt_tokens: 9, completion_tokens: 5, total_tokens: 14 },
      }),
    );
  }
  response.end(event("[DONE]"));
};

const tools: UpstreamHandler = ({ body }, response) => {
  const answered = body.messages.at(-1).role === "tool";
  if (answered) return normal({ body } as UpstreamCall, response);
  const calls = ["Oslo", "Rome"].map((city, index) => ({
    id: `call_${index}`,
    type: "function",
    function: { name: "get_weather", arguments: JSON.stringify({ city }) },
  }));
  if (!body.stream) {
    const message = { role: "assistant", content: null, refusal: null, tool_calls: calls };
    return sendJson(
      response,
      200,
      completion(body.model, {
        choices: [{ index: 0, message, logprobs: null, finish_reason: "tool_calls" }],
      }),
    );
  }
  startStream(response);
  response.write(event(chunk(body.model, { role: "assistant", content: null })));
  calls.forEach((call, index) => {
    const { name, arguments: text } = call.function;
    response.write(
      event(
        chunk(body.model, {
          tool_calls: [{ index, id: call.id, type: "function", function: { name, arguments: "" } }],
        }),
      ),
    );
    for (const piece of [text.slice(0, 4), text.slice(4)]) {
      response.write(event(chunk(body.model, { tool_calls: [{ index, function: { arguments: piece } }] })));
    }
  });
  response.write(event(chunk(body.model, {}, "tool_calls")));
  response.end(event("[DONE]"));
};

const chat: Record<string, UpstreamHandler> = {
  normal,
  tools,
  "error-400": (_call, response) =>
    sendJson(response, 400, errorBody("Bad temperature.", "invalid_value", "invalid_request_error")),
  "error-401": (call, response) =>
    sendJson(
      response,
      401,
      errorBody(`Incorrect API key provided: ${call.headers.authorization}`, "invalid_api_key"),
    ),
  "error-404": (_call, response) => sendJson(response, 404, errorBody("No such model.", "model_not_found")),
  "error-429": (_call, response) =>
    sendJson(response, 429, errorBody("Slow down.", "rate_limit_exceeded"), { "retry-after": "120" }),
  "error-500": (_call, response) => sendJson(response, 500, errorBody("Oh no.", null, "server_error")),
  "error-503": (_call, response) => sendJson(response, 503, errorBody("Too busy.")),
  html: (_call, response) =>
    void response.writeHead(502, { "content-type": "text/html" }).end("<html><h1>Bad gateway</h1></html>"),
  "html-200": (_call, response) =>
    void response.writeHead(200, { "content-type": "text/html" }).end("<html>login</html>"),
  "error-in-200": (_call, response) =>
    sendJson(
      response,
      200,
      errorBody("Context length exceeded: maximum context length is 10 tokens.", "context_length_exceeded"),
    ),
  redirect: (_call, response) =>
    void response.writeHead(302, { location: "http://169.254.169.254/latest/meta-data" }).end(),
  gzip: ({ body }, response) => {
    response.writeHead(200, { "content-type": "application/json", "content-encoding": "gzip" });
    response.end(gzipSync(JSON.stringify(completion(body.model))));
  },
  reset: (_call, response) => void response.destroy(),
  hang: () => {},
  "hang-mid-stream": ({ body }, response) => {
    startStream(response);
    response.write(event(chunk(body.model, { role: "assistant", content: "Wait" })));
  },
  cut: async ({ body }, response) => {
    startStream(response);
    response.write(
      event(chunk(body.model, { role: "assistant", content: "" })) +
        event(chunk(body.model, { content: "Half an ans" })),
    );
    // Data that has not been read yet is lost when the connection breaks; what is to be cut must have arrived.
    await new Promise((resolve) => setTimeout(resolve, 50));
    response.destroy();
  },
  "error-mid-stream": ({ body }, response) => {
    startStream(response);
    response.write(event(chunk(body.model, { role: "assistant", content: "Half" })));
    response.end(event({ error: { message: "The backend fell over.", type: "server_error", code: 500 } }));
  },
  "key-mid-stream": (call, response) => {
    startStream(response);
    response.write(event(chunk(call.body.model, { role: "assistant", content: "Half" })));
    response.end(
      event({ error: { message: `Bad key ${call.headers.authorization}`, type: "server_error" } }),
    );
  },
  "error-first": (_call, response) => {
    startStream(response);
    response.end(event({ error: { message: "Overloaded.", type: "overloaded_error" } }));
  },
  empty: (_call, response) => {
    startStream(response);
    response.end(event("[DONE]"));
  },
  "no-finish": ({ body }, response) => {
    startStream(response);
    response.end(event(chunk(body.model, { role: "assistant", content: "Never ends" })) + event("[DONE]"));
  },
  garbage: ({ body }, response) => {
    startStream(response);
    response.end(event(chunk(body.model, { role: "assistant", content: "ok" })) + "data: {not json\n\n");
  },
};
