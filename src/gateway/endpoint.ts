import { complete } from "./complete.ts";
import type { GatewayAnswer, GatewayCall } from "./gateway-call.ts";
import type { GatewayServices } from "./gateway-services.ts";
import type { EventFraming, Operation } from "./operation.ts";
import type { RequestBody } from "./request-body.ts";

/** A call before it is known what exactly will be run for it. */
export type EndpointCall<Body extends RequestBody> = Omit<GatewayCall<Body>, "operation">;

/** What answers the requests of one address: the pipeline, or something that uses it. */
export interface Endpoint<Body extends RequestBody> {
  readonly streams: boolean;
  /** How pieces become server-sent events. */
  readonly framing?: EventFraming | undefined;
  /** The headers of a request that belong to its protocol. */
  protocolHeaders?(headers: Headers): Readonly<Record<string, string>>;
  /** @throws {ApiError} when no answer came about. */
  answer(services: GatewayServices, call: EndpointCall<Body>): Promise<GatewayAnswer>;
}

/** An endpoint that is one operation and nothing else. */
export function endpointOf<Body extends RequestBody>(operation: Operation<Body>): Endpoint<Body> {
  return {
    streams: operation.stream !== undefined,
    framing: operation.framing,
    protocolHeaders: (headers) => operation.protocolHeaders?.(headers) ?? none,
    answer: (services, call) => complete(services, { ...call, operation }),
  };
}

const none = {};
