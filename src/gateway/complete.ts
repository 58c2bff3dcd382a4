import { replaceMember } from "../lib/json-text.ts";
import type { CallContext, Provider } from "../plugin/api/provider.ts";
import { UpstreamError } from "../plugin/api/upstream-error.ts";
import type { AttemptContext, CatalogModel, RequestFacts } from "../router/contracts.ts";
import { BegunStream } from "./begun-stream.ts";
import type { GatewayAnswer, GatewayCall } from "./gateway-call.ts";
import type { GatewayServices, Generation } from "./gateway-services.ts";
import { OpenStream } from "./open-stream.ts";
import type { NormaliserOptions, RequestBody } from "./operation.ts";
import { type RecordedCall, RequestRecord } from "./request-record.ts";

/**
 * The request path: one call in, one answer out, one record left.
 *
 * resolve → plan → attempt (retry, fallback) → answer → record. Until the answer's first token any target may be tried;
 * after it none is switched.
 *
 * @throws {ApiError} when no answer came about. The record is then already written.
 */
export async function complete<Body extends RequestBody>(
  services: GatewayServices,
  call: GatewayCall<Body>,
): Promise<GatewayAnswer> {
  const { generation, release } = services.acquire();
  const facts = describe(call);
  const record = new RequestRecord(services, generation, recordedCall(call, facts), release);
  try {
    const resolution = generation.router.resolve(facts);
    record.resolution = resolution;
    const plan = generation.router.plan(resolution, facts, record.candidates);
    const attempt = { signal: call.signal, arrivedAt: call.arrivedAt, attempts: record.attempts };

    if (!facts.stream) {
      const dispatched = await generation.router.attempt(
        plan,
        (context) => {
          const { provider, body, callContext, options } = prepare(
            services,
            generation,
            call,
            record,
            context,
          );
          return call.operation.complete(provider, body, callContext, options);
        },
        attempt,
      );
      record.finish(dispatched, dispatched.value, { outcome: "ok" });
      const { body, text } = dispatched.value;
      return {
        target: dispatched.model.id,
        content: { body, text },
        losses: record.lossesOf(dispatched.model.id),
      };
    }
    const dispatched = await generation.router.attempt(
      plan,
      async (context) => {
        const { provider, body, callContext, options } = prepare(services, generation, call, record, context);
        const opened = await call.operation.stream!(provider, body, callContext, options);
        return await BegunStream.begin(opened.frames, opened.normaliser);
      },
      attempt,
    );
    const stream = new OpenStream(
      services,
      dispatched,
      resolution.timeouts.idleMs,
      generation.heartbeatMs,
      record,
    );
    return { target: dispatched.model.id, content: { stream }, losses: record.lossesOf(dispatched.model.id) };
  } catch (error) {
    throw record.fail(error);
  }
}

function recordedCall<Body extends RequestBody>(call: GatewayCall<Body>, facts: RequestFacts): RecordedCall {
  const { principal, requestId, decisionId, signal, arrivedAt } = call;
  return {
    operation: facts.operation,
    model: facts.model,
    stream: facts.stream,
    principal,
    requestId,
    decisionId,
    signal,
    arrivedAt,
    estimatePromptTokens: () => facts.promptTokens,
  };
}

function describe<Body extends RequestBody>(
  call: GatewayCall<Body>,
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

/** Everything that one attempt's call of an operation takes. */
function prepare<Body extends RequestBody>(
  services: GatewayServices,
  generation: Generation,
  call: GatewayCall<Body>,
  record: RequestRecord,
  { model, signal }: AttemptContext,
) {
  const { requestId } = call;
  const body = { ...call.body, model: model.model };
  const callContext: CallContext = {
    requestId,
    signal,
    hops: call.hops,
    tenant: call.principal.tenant,
    protocolHeaders: call.protocolHeaders,
    written: writtenFor(call, body),
    reportLoss: (loss) => record.lose(model.id, loss),
  };
  const options: NormaliserOptions = {
    includeUsage: call.body.stream_options?.include_usage === true,
    forcedModel: generation.echoRequestedModel ? call.body.model : undefined,
    fallbackId: requestId,
    fallbackModel: model.model,
    created: Math.floor(services.clock.now() / 1000),
  };
  return {
    provider: providerOf(generation, model),
    body,
    callContext,
    options,
  };
}

/** The client's own bytes, for a backend that gets the request as it is but for the model's name. */
function writtenFor<Body extends RequestBody>(
  { body: given, written }: GatewayCall<Body>,
  body: Body,
): CallContext["written"] {
  if (written === undefined || written.body !== given) return undefined;
  return { body, text: () => replaceMember(written.text, given, "model", JSON.stringify(body.model)) };
}

function providerOf(generation: Generation, model: CatalogModel): Provider {
  const provider = generation.providers.get(model.provider);
  if (provider !== undefined) return provider;
  throw new UpstreamError({ kind: "unavailable", message: `The provider ${model.provider} is gone.` });
}
