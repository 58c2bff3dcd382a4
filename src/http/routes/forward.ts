import { z } from "zod";
import { forward, type ForwardCall } from "../../gateway/forward.ts";
import { ApiError } from "../../lib/api-error.ts";
import { type Admission, admitted } from "../admitted.ts";
import type { Exchange } from "../exchange.ts";
import { peekModel } from "../multipart-model.ts";
import { limitHeaders } from "../limit-headers.ts";
import { readJson } from "../read-json.ts";
import type { Route } from "../route.ts";
import { validate } from "../validate.ts";
import { hopsOf } from "./inference.ts";

const modelSchema = z.looseObject({ model: z.string().min(1).max(256).optional() });

/** What OpenAI takes when a request names no model. */
const defaultModels: Readonly<Record<string, string>> = { "/moderations": "omni-moderation-latest" };

const summaries = {
  "/moderations": "Judges texts and images.",
  "/images/generations": "Makes images.",
  "/images/edits": "Changes images.",
  "/images/variations": "Makes variations of an image.",
  "/audio/speech": "Reads a text aloud.",
  "/audio/transcriptions": "Writes down what is said.",
  "/audio/translations": "Writes down in English what is said.",
} as const;

/** Endpoints whose requests and answers are handed on as they are, to backends that have them. */
export const forwardRoutes: readonly Route[] = (Object.keys(summaries) as (keyof typeof summaries)[]).map((
  path,
) => ({
  method: "POST",
  path: `/v1${path}`,
  permission: "inference",
  tag: "Inference",
  summary: `${summaries[path]} Handed on unread to a backend that has this endpoint.`,
  requestSchema: modelSchema,
  handle: (exchange) => admitted(exchange, (admission) => handle(exchange, path, admission)),
}));

async function handle(
  exchange: Exchange,
  path: ForwardCall["path"],
  admission: Admission,
): Promise<Response> {
  const { request, services, requestId, decisionId, arrivedAt, principal } = exchange;
  const contentType = request.headers.get("content-type") ?? "";
  const body = /^multipart\/form-data\b/i.test(contentType)
    ? await formBody(exchange, contentType, admission)
    : await jsonBody(exchange, path, admission);
  const answer = await forward(services.gateway, {
    path,
    ...body,
    headers: request.headers,
    hops: hopsOf(request.headers),
    principal,
    requestId,
    decisionId,
    arrivedAt,
  });
  return new Response(services.streamBody(ending(answer.body, admission.done)), {
    headers: {
      "content-type": answer.contentType,
      "x-request-id": requestId,
      "x-intellirouter-decision": decisionId,
      "x-intellirouter-target": encodeURI(answer.target),
      "openai-processing-ms": String(Math.round(services.gateway.clock.monotonic() - arrivedAt)),
      ...limitHeaders(answer.limits, services.gateway.clock.now(), false),
      ...(answer.contentType.startsWith("text/event-stream") ? { "cache-control": "no-cache" } : {}),
    },
  });
}

async function formBody({ request, settings }: Exchange, contentType: string, admission: Admission) {
  if (request.headers.get("content-encoding")) {
    throw new ApiError({
      status: 415,
      code: "unsupported_content_encoding",
      message: "A form must not be compressed.",
    });
  }
  // A form that turns out to be wrong while it is sent on ends the call, and no backend is blamed for it.
  const refused = new AbortController();
  const form = await peekModel(request, settings.maxBytes, (refusal) => {
    if (refusal === undefined) admission.bodyIsRead();
    else refused.abort(refusal);
  });
  return {
    model: form.model,
    choices: 1,
    contentType,
    replayable: form.whole,
    signal: AbortSignal.any([request.signal, refused.signal]),
    body: (model: string) => form.body(model),
  };
}

async function jsonBody({ request, settings }: Exchange, path: string, admission: Admission) {
  const body = validate(modelSchema, (await readJson(request, settings)).value);
  admission.bodyIsRead();
  const model = body.model ?? defaultModels[path];
  if (model === undefined) {
    throw new ApiError({
      status: 400,
      code: "missing_required_parameter",
      param: "model",
      message: "Missing required parameter: 'model'.",
    });
  }
  return {
    model,
    choices: typeof body.n === "number" && Number.isInteger(body.n) && body.n > 1 ? body.n : 1,
    contentType: "application/json",
    replayable: true,
    signal: request.signal,
    body: (upstream: string) => JSON.stringify({ ...body, model: upstream }),
  };
}

/** The same pieces, and a call when there are no more of them, however it comes about. */
function ending(
  pieces: AsyncIterableIterator<Uint8Array>,
  done: () => void,
): AsyncIterableIterator<Uint8Array> {
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    async next() {
      try {
        const piece = await pieces.next();
        if (piece.done) done();
        return piece;
      } catch (error) {
        done();
        throw error;
      }
    },
    async return() {
      await pieces.return?.();
      done();
      return { done: true, value: undefined };
    },
  };
}
