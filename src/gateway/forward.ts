import type { Principal } from "../auth/principal.ts";
import type { ForwardRequest, Provider } from "../plugin/api/provider.ts";
import { UpstreamError } from "../plugin/api/upstream-error.ts";
import type { ForwardedPath, RequestFacts } from "../router/contracts.ts";
import { ForwardedBody } from "./forwarded-body.ts";
import type { LimitStates } from "./gateway-call.ts";
import type { GatewayServices } from "./gateway-services.ts";
import { MeteredRequest } from "./metered-request.ts";
import { type RecordedCall, RequestRecord } from "./request-record.ts";

/** A request that is handed on as it is. */
export interface ForwardCall {
  /** Below `/v1`, such as `/audio/speech`; also what a target must serve. */
  readonly path: ForwardedPath;
  /** The name that the client asked for. */
  readonly model: string;
  /** Answers that are asked for at once, such as images. */
  readonly choices: number;
  readonly contentType: string;
  /** The request's body with another model's name in it. Called once for each attempt, and only once unless `replayable`. */
  body(model: string): ForwardRequest["body"];
  /** All of the body is there, so that another target can be tried. */
  readonly replayable: boolean;
  readonly headers: Headers;
  readonly hops: number;
  readonly principal: Principal;
  readonly requestId: string;
  readonly decisionId: string;
  /** Aborts when the client has left. */
  readonly signal: AbortSignal;
  /** Arrival on the monotonic clock, in milliseconds. */
  readonly arrivedAt: number;
}

export interface ForwardAnswer {
  /** `provider/model` that served. */
  readonly target: string;
  readonly contentType: string;
  readonly body: ForwardedBody;
  /** The caller's limits as they stand. */
  readonly limits: LimitStates;
}

/**
 * The way of requests that the gateway does not read: resolve → plan → attempt → answer → record, as `complete` goes it, with bytes
 * instead of a translation.
 *
 * @throws {ApiError} when no answer came about. The record is then already written.
 */
export async function forward(services: GatewayServices, call: ForwardCall): Promise<ForwardAnswer> {
  const { generation, release } = services.acquire();
  const recorded: RecordedCall = { ...call, operation: call.path, stream: false };
  const record = new RequestRecord(services, generation, recorded, release);
  try {
    const facts = describe(call);
    const admitted = MeteredRequest.admit(
      services,
      { ...call, operation: call.path, stream: false },
      {
        model: call.model,
        promptTokens: 0,
        mostPromptTokens: () => 0,
        outputTokens: 0,
        choices: call.choices,
        isFree: false,
        arrivedAt: services.clock.now(),
      },
      record.candidates,
    );
    record.metered = admitted instanceof Promise ? await admitted : admitted;
    const resolution = generation.router.resolve(facts);
    record.resolution = resolution;
    const planned = generation.router.plan(resolution, facts, record.candidates);
    const plan = call.replayable
      ? planned
      : { ...planned, resolution: { ...resolution, retries: 0 }, targets: planned.targets.slice(0, 1) };
    const dispatched = await generation.router.attempt(
      plan,
      ({ model, signal }) =>
        forwardOf(generation.providers.get(model.provider)).send({
          path: call.path,
          model: model.model,
          contentType: call.contentType,
          body: call.body(model.model),
        }, {
          requestId: call.requestId,
          signal,
          hops: call.hops,
          tenant: call.principal.tenant,
          traceHeaders: record.beginCall(model),
          reportLoss: (loss) => record.lose(model.id, loss),
        }),
      {
        signal: call.signal,
        arrivedAt: call.arrivedAt,
        attempts: record.attempts,
        reserve: (target) => record.metered?.reserve(target, record.bookFailures().nanodollars),
      },
    );
    return {
      target: dispatched.model.id,
      contentType: dispatched.value.headers.get("content-type") ?? "application/octet-stream",
      body: new ForwardedBody(services, dispatched, plan.timeouts, call.arrivedAt, record),
      limits: record.metered.limits,
    };
  } catch (error) {
    throw record.fail(error);
  }
}

function describe(call: ForwardCall): RequestFacts {
  const { path, model, headers, principal } = call;
  return {
    operation: path,
    model,
    body: { model },
    headers,
    stream: false,
    promptTokens: 0,
    maxOutputTokens: undefined,
    needsTools: false,
    needsVision: false,
    needsJsonSchema: false,
    user: undefined,
    principal,
    mayUse: (target) => principal.mayUse(target),
    prompt: () => "",
  };
}

function forwardOf(provider: Provider | undefined) {
  if (provider?.forward !== undefined) return provider.forward;
  throw new UpstreamError({
    kind: "unavailable",
    message: "The provider is gone, or has this endpoint no more.",
  });
}
