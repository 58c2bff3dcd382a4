import { UpstreamError } from "../plugin/api/upstream-error.ts";
import type { AttemptContext, RequestFacts } from "../router/contracts.ts";
import { BegunStream } from "./begun-stream.ts";
import type { GatewayAnswer, GatewayCall } from "./gateway-call.ts";
import type { GatewayServices, Generation } from "./gateway-services.ts";
import { OpenStream } from "./open-stream.ts";
import type { NormaliserOptions, RequestBody } from "./operation.ts";
import { RequestRecord } from "./request-record.ts";

/**
 * The request path: one call in, one answer out, one record left.
 *
 * resolve → plan → attempt (retry, fallback) → answer → record. Until the answer's first token any target may be tried;
 * after it none is switched.
 *
 * @throws {ApiError} when no answer came about. The record is then already written.
 */
export async function complete<Body extends RequestBody, Whole, Chunk>(
  services: GatewayServices,
  call: GatewayCall<Body, Whole, Chunk>,
): Promise<GatewayAnswer> {
  const { generation, release } = services.acquire();
  const record = new RequestRecord(services, generation, call, release);
  try {
    const facts = describe(call);
    const resolution = generation.router.resolve(facts);
    record.resolution = resolution;
    const plan = generation.router.plan(resolution, facts, record.candidates);
    const attempt = { signal: call.signal, arrivedAt: call.arrivedAt, attempts: record.attempts };

    if (!facts.stream) {
      const dispatched = await generation.router.attempt(
        plan,
        (context) => askWhole(services, generation, call, record, context),
        attempt,
      );
      record.finish(dispatched, dispatched.value, { outcome: "ok" });
      return { target: dispatched.model.id, content: { body: dispatched.value.body } };
    }
    const dispatched = await generation.router.attempt(
      plan,
      (context) => beginStream(services, generation, call, record, context),
      attempt,
    );
    const stream = new OpenStream(
      dispatched,
      resolution.timeouts.idleMs,
      generation.heartbeatMs,
      services.clock,
      record,
    );
    return { target: dispatched.model.id, content: { stream } };
  } catch (error) {
    throw record.fail(error);
  }
}

function describe<Body extends RequestBody, Whole, Chunk>(
  call: GatewayCall<Body, Whole, Chunk>,
): RequestFacts {
  const { operation, body, principal } = call;
  let prompt: string | undefined;
  return {
    ...operation.summarise(body),
    operation: operation.name,
    model: body.model,
    body,
    headers: call.headers,
    stream: body.stream === true && operation.stream !== undefined,
    principal,
    mayUse: (target) => principal.mayUse(target),
    prompt: () => prompt ??= operation.prompt(body),
  };
}

async function askWhole<Body extends RequestBody, Whole, Chunk>(
  services: GatewayServices,
  generation: Generation,
  call: GatewayCall<Body, Whole, Chunk>,
  record: RequestRecord,
  context: AttemptContext,
) {
  const { operation } = call;
  const result = await operation.complete(providerOf(generation, context), upstreamBody(call, context), {
    requestId: call.requestId,
    signal: context.signal,
    reportLoss: (loss) => record.lose(context.model.id, loss),
  });
  return operation.normalise(result.body, call.body, normaliserOptions(services, generation, call, context));
}

async function beginStream<Body extends RequestBody, Whole, Chunk>(
  services: GatewayServices,
  generation: Generation,
  call: GatewayCall<Body, Whole, Chunk>,
  record: RequestRecord,
  context: AttemptContext,
) {
  const { operation } = call;
  const result = await operation.stream!(providerOf(generation, context), upstreamBody(call, context), {
    requestId: call.requestId,
    signal: context.signal,
    reportLoss: (loss) => record.lose(context.model.id, loss),
  });
  const normaliser = operation.normaliser!(normaliserOptions(services, generation, call, context));
  return await BegunStream.begin(result.frames, normaliser);
}

function providerOf(generation: Generation, context: AttemptContext) {
  const provider = generation.providers.get(context.model.provider);
  if (provider !== undefined) return provider;
  throw new UpstreamError({
    kind: "unavailable",
    message: `The provider ${context.model.provider} is gone.`,
  });
}

function upstreamBody<Body extends RequestBody>(call: GatewayCall<Body>, context: AttemptContext): Body {
  return { ...call.body, model: context.model.model };
}

function normaliserOptions<Body extends RequestBody>(
  services: GatewayServices,
  generation: Generation,
  call: GatewayCall<Body>,
  context: AttemptContext,
): NormaliserOptions {
  return {
    includeUsage: call.body.stream_options?.include_usage === true,
    forcedModel: generation.echoRequestedModel ? call.body.model : undefined,
    fallbackId: call.requestId,
    fallbackModel: context.model.model,
    created: Math.floor(services.clock.now() / 1000),
  };
}
