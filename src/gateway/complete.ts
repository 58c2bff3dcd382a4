import type { ExpectedUse } from "../auth/limits/contracts.ts";
import { ApiError } from "../lib/api-error.ts";
import type { Dispatched, RequestFacts } from "../router/contracts.ts";
import { CachedCall, replay } from "./cache/cached-call.ts";
import { type BegunAnswer, BegunStream } from "./begun-stream.ts";
import type { GatewayAnswer, GatewayCall } from "./gateway-call.ts";
import type { GatewayServices, Generation } from "./gateway-services.ts";
import { MeteredRequest } from "./metered-request.ts";
import { boundTokens } from "./operations/prompt-size.ts";
import { OpenStream } from "./open-stream.ts";
import type { NormalisedWhole } from "./operation.ts";
import type { RequestBody } from "./request-body.ts";
import { refusedAnswer } from "./guardrails/refused-answer.ts";
import { prepareAttempt } from "./prepare-attempt.ts";
import { type RecordedCall, RequestRecord } from "./request-record.ts";
import { changeAnswer, runStages } from "./stages/run-stages.ts";
import { CleansedStream, withoutHiddenWhole } from "./stages/cleansed-answer.ts";
import { StagedStream } from "./stages/staged-stream.ts";

/**
 * The request path: one call in, one answer out, one record left.
 *
 * resolve → stages → plan → attempt (retry, fallback) → answer → record. Until the answer's first token any target may be tried;
 * after it none is switched.
 *
 * @throws {ApiError} when no answer came about. The record is then already written.
 */
export async function complete<Body extends RequestBody>(
  services: GatewayServices,
  given: GatewayCall<Body>,
): Promise<GatewayAnswer> {
  const { generation, release } = services.acquire();
  let call = given;
  let facts = describe(call);
  const record = new RequestRecord(services, generation, recordedCall(call, () => facts), release);
  try {
    const admitted = MeteredRequest.admit(
      services,
      { ...call, operation: facts.operation, stream: facts.stream },
      expectedUse(services, call, facts),
      record.candidates,
    );
    record.metered = admitted instanceof Promise ? await admitted : admitted;
    record.resolution = generation.router.resolve(facts);
    if (generation.stages.length > 0 && call.internal?.staged !== false) {
      ({ call, facts } = await throughStages(services, generation, record, call, facts));
    }
    if (record.refusal !== undefined) {
      return await refusedAnswer(call, facts.stream, record, services.clock.now());
    }
    // What stages put into an answer for one client may be wrong for the next.
    const cached = record.answerStages.length > 0
      ? undefined
      : CachedCall.of(services, generation, call, record.resolution);
    const kept = await cached?.find(facts.mayUse);
    if (kept !== undefined) return replay(kept, record);
    const cache = cached === undefined ? undefined : "miss";
    if (!facts.stream) {
      const dispatched = await dispatch(
        services,
        generation,
        record,
        facts,
        call,
        ({ provider, body, callContext, options }) =>
          call.operation.complete(provider, body, callContext, options),
      );
      const { body, text = cached && JSON.stringify(body) } = await finished(
        dispatched,
        call,
        record,
        generation.cleansesAnswers,
      );
      const { id } = dispatched.model;
      if (text !== undefined) cached?.keep({ target: id, content: { text }, losses: record.lossesOf(id) });
      return { ...answerOf(dispatched, { body, text }, record), cache };
    }
    const dispatched = await dispatch(
      services,
      generation,
      record,
      facts,
      call,
      async ({ provider, body, callContext, options }) => {
        const opened = await call.operation.stream!(provider, body, callContext, options);
        return await BegunStream.begin(opened.frames, opened.normaliser, opened.hasBegun);
      },
    );
    const { idleMs } = record.resolution!.timeouts;
    const collector = cached?.collector(dispatched.model.id, record);
    const stream = new OpenStream(
      services,
      staged(dispatched, record, generation.cleansesAnswers),
      idleMs,
      generation.heartbeatMs,
      record,
      collector,
    );
    return { ...answerOf(dispatched, { stream }, record), cache };
  } catch (error) {
    throw record.fail(error);
  }
}

/** Finds targets and tries them; again with the cheaper model of a budget that cannot pay the one that was asked for. */
async function dispatch<Body extends RequestBody, Value>(
  services: GatewayServices,
  generation: Generation,
  record: RequestRecord,
  facts: RequestFacts,
  call: GatewayCall<Body>,
  run: (prepared: ReturnType<typeof prepareAttempt<Body>>) => Promise<Value>,
): Promise<Dispatched<Value>> {
  const { metered } = record;
  const plan = generation.router.plan(record.resolution!, facts, record.candidates);
  try {
    return await generation.router.attempt(
      plan,
      (context) => run(prepareAttempt(services, generation, call, record, context)),
      {
        signal: call.signal,
        arrivedAt: call.arrivedAt,
        attempts: record.attempts,
        reserve: (target) => metered?.reserve(target, record.bookFailures().nanodollars),
      },
    );
  } catch (error) {
    const cheaper = isUnpayable(error) ? metered?.downgrade : undefined;
    if (cheaper === undefined || record.downgradedTo !== undefined) throw error;
    record.downgradedTo = cheaper;
    const cheap = { ...facts, model: cheaper };
    try {
      record.resolution = generation.router.resolve(cheap);
    } catch {
      // The client has never asked for that name: it is told what is wrong with what it asked for.
      throw error;
    }
    return await dispatch(services, generation, record, cheap, call, run);
  }
}

/** What the stages make of a request before targets are looked for. */
async function throughStages<Body extends RequestBody>(
  services: GatewayServices,
  { stages }: Generation,
  record: RequestRecord,
  given: GatewayCall<Body>,
  facts: RequestFacts,
): Promise<{ readonly call: GatewayCall<Body>; readonly facts: RequestFacts }> {
  const call = await runStages(stages, given, facts.stream, record);
  if (call === given) return { call, facts };
  const changed = describe(call);
  record.metered!.expect(expectedUse(services, call, changed));
  return { call, facts: changed };
}

/** The whole answer as the client gets it, with the record closed: what was used is booked also when a stage refuses it. */
async function finished<Body extends RequestBody>(
  dispatched: Dispatched<NormalisedWhole>,
  { operation }: GatewayCall<Body>,
  record: RequestRecord,
  cleanses: boolean,
): Promise<NormalisedWhole> {
  const { value } = dispatched;
  try {
    const staged = record.answerStages.length === 0
      ? value
      : await changeAnswer(record.answerStages, operation, value);
    const changed = cleanses ? withoutHiddenWhole(operation, staged) : staged;
    record.finish(dispatched, value, { outcome: "ok" });
    return changed;
  } catch (error) {
    const refused = record.toApiError(error);
    record.finish(dispatched, value, { outcome: "error", error: refused });
    throw refused;
  }
}

function staged<Chunk>(
  dispatched: Dispatched<BegunStream<Chunk>>,
  { answerStages }: RequestRecord,
  cleanses: boolean,
): Dispatched<BegunAnswer<Chunk>> {
  let value: BegunAnswer<Chunk> = dispatched.value;
  if (answerStages.some(({ stream }) => stream !== undefined)) value = new StagedStream(value, answerStages);
  if (cleanses) value = new CleansedStream(value);
  return value === dispatched.value ? dispatched : { ...dispatched, value };
}

function isUnpayable(error: unknown): boolean {
  return error instanceof ApiError && error.code === "insufficient_quota" && error.cause === undefined;
}

function answerOf(
  { model: { id } }: Dispatched<unknown>,
  content: GatewayAnswer["content"],
  record: RequestRecord,
): GatewayAnswer {
  return { target: id, content, losses: record.lossesOf(id), limits: record.metered!.limits };
}

function expectedUse<Body extends RequestBody>(
  { clock }: GatewayServices,
  { operation, body }: GatewayCall<Body>,
  { model, promptTokens, maxOutputTokens, choices = 1 }: RequestFacts,
): ExpectedUse {
  const isFree = operation.isFree === true;
  return {
    model,
    promptTokens: isFree ? 0 : promptTokens,
    mostPromptTokens: () => boundTokens(promptOnly(body)),
    outputTokens: isFree ? 0 : maxOutputTokens,
    choices,
    isFree,
    arrivedAt: clock.now(),
  };
}

/** What of a request goes into its prompt; a model's name does not. */
function promptOnly({ model: _, ...rest }: RequestBody): unknown {
  return rest;
}

/** @param facts of the request as it stands: stages may change it. */
function recordedCall<Body extends RequestBody>(
  call: GatewayCall<Body>,
  current: () => RequestFacts,
): RecordedCall {
  const { principal, requestId, decisionId, internal, headers, signal, arrivedAt } = call;
  const facts = current();
  return {
    internal,
    operation: facts.operation,
    model: facts.model,
    stream: facts.stream,
    principal,
    user: facts.user,
    requestId,
    decisionId,
    headers,
    signal,
    arrivedAt,
    prompt: () => current().prompt(),
    estimatePromptTokens: () => current().promptTokens,
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
