import { z } from "zod";
import { type Endpoint, endpointOf } from "../../gateway/endpoint.ts";
import type { LimitStates, WrittenBody } from "../../gateway/gateway-call.ts";
import type { Operation } from "../../gateway/operation.ts";
import type { RequestBody } from "../../gateway/request-body.ts";
import { ApiError } from "../../lib/api-error.ts";
import { admitted } from "../admitted.ts";
import { EventStream } from "../event-stream.ts";
import type { Exchange } from "../exchange.ts";
import { limitHeaders } from "../limit-headers.ts";
import { readJson } from "../read-json.ts";
import type { Route } from "../route.ts";
import { validate } from "../validate.ts";

interface InferenceRoute<Body extends RequestBody> extends Pick<Route, "path" | "summary"> {
  readonly requestSchema: z.ZodType<Body>;
  readonly responseSchema: z.ZodType;
}

/** A route that runs one operation of the gateway. */
export function inferenceRoute<Body extends RequestBody>(
  { operation, ...route }: InferenceRoute<Body> & { readonly operation: Operation<Body> },
): Route {
  return endpointRoute({ ...route, endpoint: endpointOf(operation) });
}

/** A route that has the gateway answer. */
export function endpointRoute<Body extends RequestBody>(
  route: InferenceRoute<Body> & { readonly endpoint: Endpoint<Body> },
): Route {
  const { endpoint, requestSchema, ...described } = route;
  // Compiled when first needed: it makes the check five times as fast and costs a few milliseconds once.
  let compiled: z.ZodType<Body> | undefined;
  return {
    ...described,
    requestSchema,
    method: "POST",
    permission: "inference",
    tag: "Inference",
    streams: endpoint.streams,
    handle: (exchange) =>
      admitted(exchange, async (admission) => {
        const { value, text } = await readJson(exchange.request, exchange.settings);
        const body = validate(compiled ??= z.compile(requestSchema), value);
        admission.bodyIsRead();
        return await answer(exchange, endpoint, { body, text }, admission.done);
      }),
  };
}

async function answer<Body extends RequestBody>(
  exchange: Exchange,
  endpoint: Endpoint<Body>,
  written: WrittenBody<Body>,
  done: () => void,
): Promise<Response> {
  const { request, services, settings, requestId, decisionId, arrivedAt, principal } = exchange;
  if (settings.logPrompts) {
    services.logger.debug("request body", { request_id: requestId, body: written.body });
  }
  const { target, content, losses, limits, cache } = await endpoint.answer(services.gateway, {
    body: written.body,
    written,
    headers: request.headers,
    hops: hopsOf(request.headers),
    protocolHeaders: endpoint.protocolHeaders?.(request.headers) ?? noHeaders,
    principal,
    requestId,
    decisionId,
    signal: request.signal,
    arrivedAt,
  });
  const headers: Record<string, string> = {
    "x-request-id": requestId,
    "x-intellirouter-decision": decisionId,
    "x-intellirouter-target": encodeURI(target),
    "openai-processing-ms": String(Math.round(services.gateway.clock.monotonic() - arrivedAt)),
  };
  if (endpoint.framing === "named") headers["request-id"] = requestId;
  addLimits(headers, limits, exchange);
  if (cache !== undefined) headers["x-intellirouter-cache"] = cache;
  if (request.headers.get(fidelityHeader) === "report") headers[lossesHeader] = lossReport(losses);
  if ("stream" in content) {
    headers["content-type"] = streamType;
    headers["cache-control"] = "no-cache";
    headers["x-accel-buffering"] = "no";
    const events = new EventStream(content.stream, endpoint.framing ?? "data", request.signal, done);
    return new Response(services.streamBody(events), { headers });
  }
  headers["content-type"] = "application/json";
  done();
  return new Response(content.text ?? JSON.stringify(content.body), { headers });
}

function addLimits(
  headers: Record<string, string>,
  limits: LimitStates,
  { request, services }: Exchange,
): void {
  if (limits.requests === undefined && limits.tokens === undefined) return;
  const isMessages = /\/v1\/messages(?:[/?#]|$)/.test(request.url);
  Object.assign(headers, limitHeaders(limits, services.gateway.clock.now(), isMessages));
}

/** Asks for the losses of a translation to be told in the answer's headers. */
const fidelityHeader = "x-intellirouter-fidelity";
const lossesHeader = "x-intellirouter-losses";
const noHeaders = {};
const streamType = "text/event-stream; charset=utf-8";

/** `dropped seed, approximated thinking.budget_tokens`, or `none`; the decision record tells the reasons. */
function lossReport(losses: readonly { readonly field: string; readonly effect: string }[]): string {
  return losses.map(({ field, effect }) => `${effect} ${encodeURI(field)}`).join(", ") || "none";
}

/** More than a chain of gateways needs; a request that passes more goes in a circle. */
const mostHops = 5;

/** @throws {ApiError} 508 for a request that comes from itself. */
export function hopsOf(headers: Headers): number {
  const text = headers.get("x-intellirouter-hops");
  if (text === null) return 1;
  const hops = /^\d{1,3}$/.test(text) ? Number(text) + 1 : 1;
  if (hops <= mostHops) return hops;
  throw new ApiError({
    status: 508,
    code: "loop_detected",
    message: `This request has passed ${hops - 1} gateways: some provider leads back to where it comes from.`,
    shouldRetry: false,
  });
}
