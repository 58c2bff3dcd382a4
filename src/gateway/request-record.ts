import type { Principal } from "../auth/principal.ts";
import { ApiError } from "../lib/api-error.ts";
import { chainProvider } from "../lib/reserved-names.ts";
import { toDollars } from "../lib/money.ts";
import { costOf } from "../lib/price.ts";
import type { CallContext, FidelityLoss } from "../plugin/api/provider.ts";
import { UpstreamError } from "../plugin/api/upstream-error.ts";
import type { AttemptResult, CatalogModel, Dispatched, Resolution } from "../router/contracts.ts";
import { toApiError } from "../router/to-api-error.ts";
import type { AttemptRecord, Candidate, Decision, Loss } from "../schema/decision.ts";
import type { Usage } from "../schema/chat-completion.ts";
import type { RequestTrace } from "../telemetry/tracing/tracer.ts";
import type { GatewayServices, Generation } from "./gateway-services.ts";
import type { InternalCall } from "./gateway-call.ts";
import type { MeteredRequest } from "./metered-request.ts";
import { tokensOf } from "./operations/prompt-size.ts";
import type { AnswerStage, StageNote } from "./stages/stage.ts";
import { withoutEcho } from "./without-echo.ts";

/** What a record tells of the request itself. */
export interface RecordedCall {
  readonly operation: string;
  /** The name that the client asked for. */
  readonly model: string;
  readonly stream: boolean;
  readonly principal: Pick<Principal, "id" | "team" | "organisation">;
  /** Answers that are asked for at once; one when absent. */
  readonly choices?: number;
  /** The end user that the client names. */
  readonly user?: string | undefined;
  readonly requestId: string;
  readonly decisionId: string;
  readonly internal?: InternalCall | undefined;
  /** Of the client's request; its trace is in them. */
  readonly headers: Headers;
  /** Aborts when the client has left. */
  readonly signal: AbortSignal;
  /** Arrival on the monotonic clock, in milliseconds. */
  readonly arrivedAt: number;
  /** The prompt as one text; absent where the gateway has not read it. */
  readonly prompt?: () => string;
  /** For backends that do not count. Absent: the endpoint is not about tokens, and none are recorded. */
  readonly estimatePromptTokens?: () => number;
}

/** A conversation of a thousand pictures must not make a record of a thousand lines. */
const mostLosses = 64;

/** What was produced, as far as it got. */
interface Produced {
  readonly usage: Usage | undefined;
  readonly outputCharacters: number;
  /** How it flowed, where it came in pieces. */
  readonly chunks?: Decision["chunks"];
}

/**
 * What a request leaves behind: its decision record, the outcome for breaker and strategy, and its hold on the
 * configuration. Written exactly once, after the last byte.
 */
export class RequestRecord {
  /** Filled in by the pipeline as it goes. */
  resolution: Resolution | undefined;
  metered: MeteredRequest | undefined;
  downgradedTo: string | undefined;
  readonly candidates: Candidate[] = [];
  readonly attempts: AttemptRecord[] = [];
  readonly losses: Loss[] = [];
  /** What a stage answers in the place of a model. */
  refusal: string | undefined;
  /** What stages did. */
  readonly notes: StageNote[] = [];
  /** What stages do with the answer, the last stage first; each is told when the request has ended. */
  readonly answerStages: AnswerStage[] = [];
  readonly #services: GatewayServices;
  readonly #generation: Generation;
  readonly #call: RecordedCall;
  readonly #release: () => void;
  readonly #trace: RequestTrace | undefined;
  /** What was called, in the order of the attempts. */
  readonly #called: CatalogModel[] = [];
  /** Of the calls in the order in which they began, which is that of the attempts. */
  readonly #spanIds: string[] = [];
  #written = false;

  constructor(
    services: GatewayServices,
    generation: Generation,
    call: RecordedCall,
    release: () => void,
  ) {
    this.#services = services;
    this.#generation = generation;
    this.#call = call;
    this.#release = release;
    this.#trace = services.traces.begin(call.headers);
  }

  /** A backend is about to be called; to be asked exactly once for each attempt. Returns what to tell it of the trace. */
  beginCall(model: CatalogModel): CallContext["traceHeaders"] {
    this.#called.push(model);
    if (this.#trace === undefined) return undefined;
    const { spanId, headers } = this.#trace.call();
    if (spanId !== undefined) this.#spanIds.push(spanId);
    return headers;
  }

  /**
   * What the translation to this target loses; each thing once, however often it comes.
   * @throws {UpstreamError} `unsupported` where the operator wants no losses.
   */
  lose(target: string, loss: FidelityLoss): void {
    const { field, effect, detail } = loss;
    const known = this.losses.some((one) =>
      one.target === target && one.field === field && one.detail === detail
    );
    if (!known && this.losses.length < mostLosses) this.losses.push({ target, field, effect, detail });
    if (this.resolution?.onLoss !== "reject") return;
    throw new UpstreamError({
      kind: "unsupported",
      code: "lossy_translation",
      param: field,
      message: `The target ${target} cannot carry \`${field}\` (${detail}), and this route allows no losses.`,
    });
  }

  /**
   * Books what failed attempts have cost: those whose backends had the prompt, and may bill it. Returns it in nanodollars, with the
   * tokens.
   */
  bookFailures(): { readonly nanodollars: number; readonly tokens: number } {
    const { estimatePromptTokens } = this.#call;
    let nanodollars = 0;
    let tokens = 0;
    if (estimatePromptTokens === undefined) return { nanodollars, tokens };
    for (const [index, attempt] of this.attempts.entries()) {
      const price = this.#called[index]?.price;
      if (price === undefined || !mayBeBilled(attempt)) continue;
      attempt.prompt_tokens ??= estimatePromptTokens();
      const cost = costOf(price, { prompt_tokens: attempt.prompt_tokens, completion_tokens: 0 }) ?? 0;
      attempt.cost_usd ??= toDollars(cost);
      attempt.price_version ??= price.version;
      nanodollars += cost;
      tokens += attempt.prompt_tokens;
    }
    return { nanodollars, tokens };
  }

  lossesOf(target: string): readonly Loss[] {
    return this.losses.filter((loss) => loss.target === target);
  }

  /** An answer went out, whole or in part. */
  finish(
    dispatched: Pick<Dispatched<unknown>, "model" | "finish" | "startedAt" | "firstTokenMs">,
    produced: Produced,
    result: Pick<AttemptResult, "outcome" | "error">,
  ): void {
    // A chain's steps are booked themselves.
    const usage = dispatched.model.provider === chainProvider ? undefined : this.#usageOf(produced);
    // What the gateway itself refuses to hand on is no fault of the backend.
    const judged = result.error instanceof ApiError ? { outcome: "ok" as const } : result;
    this.attempts.push(dispatched.finish({ ...judged, outputTokens: usage?.completion_tokens ?? 0 }));
    const firstTokenMs = dispatched.firstTokenMs === undefined
      ? undefined
      : dispatched.startedAt + dispatched.firstTokenMs - this.#call.arrivedAt;
    this.#write({
      ...booked(dispatched.model, usage, usage && produced.usage, this.#call.choices),
      outcome: result.outcome,
      status: result.outcome === "error" && result.error instanceof ApiError ? result.error.status : 200,
      ...(produced.chunks === undefined ? {} : { chunks: produced.chunks }),
      ...(result.error === undefined
        ? {}
        : { error: String((result.error as Error).message ?? result.error) }),
    }, firstTokenMs);
  }

  /** An answer went out that had been kept; it costs nothing. */
  replayed(target: string): void {
    this.#write({ target, cached: true, outcome: "ok", status: 200, cost_usd: 0 });
  }

  /** A stage has answered in the place of a model. */
  refused(): void {
    this.#write({ outcome: "ok", status: 200, cost_usd: 0 });
  }

  /** No answer came about. Returns what the client is told. */
  fail(error: unknown): ApiError {
    const { aborted, reason } = this.#call.signal;
    // What is wrong with a request may show only while it is sent on.
    const refused = aborted && reason instanceof ApiError;
    const cancelled = aborted && !refused;
    const apiError = cancelled ? clientLeft() : this.toApiError(refused ? reason : error);
    const target = cancelled ? this.metered?.target : undefined;
    this.#write({
      // A backend that was at work when the client left has read the prompt, and will say so on its bill.
      ...(target === undefined
        ? {}
        : booked(target, this.#usageOf({ usage: undefined, outputCharacters: 0 }), undefined)),
      outcome: cancelled ? "cancelled" : "error",
      status: apiError.status,
      error: apiError.message,
      // A backend's own code is kept where it is one, and not a text.
      ...(apiError.code !== null && /^[\w.-]{1,64}$/.test(apiError.code)
        ? { error_code: apiError.code }
        : {}),
    });
    return apiError.withHeaders({ "x-intellirouter-decision": this.#call.decisionId });
  }

  toApiError(error: unknown): ApiError {
    return error instanceof ApiError ? error : toApiError(error);
  }

  #usageOf({ usage, outputCharacters }: Produced): Decision["usage"] {
    const { estimatePromptTokens } = this.#call;
    if (usage === undefined && estimatePromptTokens === undefined) return undefined;
    return {
      prompt_tokens: usage?.prompt_tokens ?? estimatePromptTokens!(),
      completion_tokens: usage?.completion_tokens ?? tokensOf(outputCharacters),
      cached_tokens: usage?.prompt_tokens_details?.cached_tokens ?? 0,
      cache_write_tokens: Number(usage?.prompt_tokens_details?.cache_write_tokens ?? 0),
      reasoning_tokens: usage?.completion_tokens_details?.reasoning_tokens ?? 0,
      estimated: usage === undefined,
    };
  }

  #recordedAttempts(): AttemptRecord[] {
    if (this.#spanIds.length === 0 && this.attempts.every(({ message }) => message === undefined)) {
      return this.attempts;
    }
    return this.attempts.map(({ message, ...attempt }, index) => ({
      ...attempt,
      ...(message === undefined ? {} : { message: this.#withoutPrompt(message, attempt) }),
      ...(this.#spanIds[index] === undefined ? {} : { span_id: this.#spanIds[index] }),
    }));
  }

  /** Of what backends say; the gateway's own words repeat nothing. */
  #withoutPrompt(text: string, attempt: Pick<AttemptRecord, "status"> | undefined): string {
    if (attempt === undefined) return text;
    const prompt = this.#call.prompt?.();
    // Of requests that are handed on unread, backends say something only where there is a status.
    return prompt === undefined && attempt.status === undefined ? text : withoutEcho(text, prompt);
  }

  #write(
    { nanodollars = 0, ...result }:
      & Pick<Decision, "outcome" | "status">
      & Partial<
        Pick<
          Decision,
          "target" | "error" | "error_code" | "usage" | "cost_usd" | "price_version" | "chunks" | "cached"
        >
      >
      & { readonly nanodollars?: number },
    firstTokenMs?: number,
  ): void {
    if (this.#written) return;
    this.#written = true;
    const { usage } = result;
    // Where what served has no price, neither has the whole.
    const isPriced = result.target === undefined || result.cost_usd !== undefined;
    const wasted = isPriced && this.attempts.length > 0 ? this.bookFailures() : nothing;
    this.metered?.settle(
      (usage === undefined ? 0 : usage.prompt_tokens + usage.completion_tokens) + wasted.tokens,
      nanodollars + wasted.nanodollars,
    );
    this.#release();
    for (const stage of this.answerStages) stage.end?.(result.outcome);
    const { clock } = this.#services;
    const call = this.#call;
    const totalMs = clock.monotonic() - call.arrivedAt;
    const backendMs = this.attempts.reduce((sum, attempt) => sum + attempt.duration_ms, 0);
    const decision: Decision = {
      id: call.decisionId,
      time: new Date(clock.now() - totalMs).toISOString(),
      request_id: call.requestId,
      operation: call.operation,
      model: call.model,
      ...describeResolution(this.resolution),
      ...(this.downgradedTo === undefined ? {} : { downgraded_to: this.downgradedTo }),
      principal: call.principal.id,
      ...(call.principal.team === undefined ? {} : { team: call.principal.team }),
      ...(call.principal.organisation === undefined ? {} : { organisation: call.principal.organisation }),
      ...(call.user === undefined ? {} : { user: call.user }),
      stream: call.stream,
      policy: this.#generation.policyHash,
      candidates: this.candidates,
      attempts: this.#recordedAttempts(),
      ...result,
      ...(wasted.nanodollars === 0 ? {} : { cost_usd: toDollars(nanodollars + wasted.nanodollars) }),
      ...(result.error === undefined
        ? {}
        : { error: this.#withoutPrompt(result.error, this.attempts.at(-1)) }),
      ...(this.losses.length === 0 ? {} : { losses: this.losses }),
      ...(this.notes.length === 0 ? {} : { stages: this.notes }),
      ...(call.internal === undefined
        ? {}
        : { parent: call.internal.parent, purpose: call.internal.purpose }),
      ...(this.#trace === undefined ? {} : { trace: this.#trace.describe() }),
      timing: {
        queue_ms: round(this.attempts[0]?.start_ms ?? totalMs),
        ...(firstTokenMs === undefined ? {} : { first_token_ms: round(firstTokenMs) }),
        total_ms: round(totalMs),
        gateway_ms: round(Math.max(0, totalMs - backendMs)),
      },
    };
    this.#services.record(decision);
    call.internal?.recorded?.(decision);
  }
}

const nothing = { nanodollars: 0, tokens: 0 };

/** A backend that was silent, or said what is no answer, has read the prompt all the same. */
function mayBeBilled({ outcome, error, status }: AttemptRecord): boolean {
  return outcome === "error" && status === undefined && (error === "timeout" || error === "bad_response");
}

/** What an answer, whole or in part, has used and cost. */
function booked(
  { id, price }: CatalogModel,
  usage: Decision["usage"],
  given: Usage | undefined,
  answers?: number,
) {
  const nanodollars = costOf(price, given ?? usage, answers);
  return {
    target: id,
    ...(usage === undefined ? {} : { usage }),
    ...(nanodollars === undefined
      ? {}
      : { cost_usd: toDollars(nanodollars), price_version: price!.version, nanodollars }),
  };
}

/** 499 is nginx's status for a client that closed the request; nobody is there to read it. */
function clientLeft(): ApiError {
  return new ApiError({
    status: 499,
    code: "client_closed_request",
    message: "The client left before its answer.",
  });
}

function describeResolution(resolution: Resolution | undefined) {
  if (resolution === undefined) return undefined;
  const { route, routeIndex, passedOver, strategy } = resolution;
  return {
    ...(route === undefined ? {} : { route, route_index: routeIndex! }),
    ...(passedOver.length === 0 ? {} : { passed_over: [...passedOver] }),
    strategy,
  };
}

/** Microseconds are as fine as the clock is honest. */
function round(milliseconds: number): number {
  return Math.round(milliseconds * 1000) / 1000;
}
