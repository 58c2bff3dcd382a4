import { replaceMember } from "../lib/json-text.ts";
import type { CallContext, Provider } from "../plugin/api/provider.ts";
import { UpstreamError } from "../plugin/api/upstream-error.ts";
import type { AttemptContext, CatalogModel } from "../router/contracts.ts";
import type { GatewayCall } from "./gateway-call.ts";
import type { GatewayServices, Generation } from "./gateway-services.ts";
import type { NormaliserOptions } from "./operation.ts";
import type { RequestBody } from "./request-body.ts";
import type { RequestRecord } from "./request-record.ts";

/** Everything that one attempt's call of an operation takes. */
export function prepareAttempt<Body extends RequestBody>(
  services: GatewayServices,
  generation: Generation,
  call: GatewayCall<Body>,
  record: RequestRecord,
  { model, signal }: AttemptContext,
) {
  const { requestId } = call;
  const named = { ...call.body, model: model.model };
  const limit = record.metered?.outputTokens;
  const body = limit === undefined ? named : call.operation.limitOutput?.(named, limit) ?? named;
  const callContext: CallContext = {
    requestId,
    signal,
    hops: call.hops,
    tenant: call.principal.tenant,
    protocolHeaders: call.protocolHeaders,
    traceHeaders: record.beginCall(model),
    written: body === named ? writtenFor(call, named) : undefined,
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
    provider: providerOf(generation, model, call, record),
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

function providerOf(
  { ownProviders, providers }: Generation,
  { provider: name }: CatalogModel,
  call: GatewayCall,
  { notes }: RequestRecord,
): Provider {
  const provider = ownProviders.get(name)?.(call, (note) => notes.push(note)) ?? providers.get(name);
  if (provider !== undefined) return provider;
  throw new UpstreamError({ kind: "unavailable", message: `The provider ${name} is gone.` });
}
