import type { ExpectedUse } from "../auth/limits/contracts.ts";
import type { RequestMeter, Reservation } from "../auth/limits/request-meter.ts";
import type { Principal } from "../auth/principal.ts";
import { ApiError } from "../lib/api-error.ts";
import type { CatalogModel } from "../router/contracts.ts";
import type { Candidate } from "../schema/decision.ts";
import type { GatewayServices } from "./gateway-services.ts";

/** What the books must know of a request before it is sent. */
interface MeteredCall {
  readonly principal: Principal;
  readonly decisionId: string;
  readonly requestId: string;
  readonly operation: string;
  readonly stream: boolean;
}

/**
 * A request under the limits and budgets of its caller: let in, with money set aside for each target that is tried, and settled when it
 * has ended.
 */
export class MeteredRequest {
  readonly #services: GatewayServices;
  readonly #call: MeteredCall;
  #use: ExpectedUse;
  readonly #meter: RequestMeter;
  readonly #candidates: readonly Candidate[];
  #outputTokens: number | undefined;
  #target: CatalogModel | undefined;

  private constructor(
    services: GatewayServices,
    call: MeteredCall,
    use: ExpectedUse,
    candidates: readonly Candidate[],
    meter: RequestMeter,
  ) {
    this.#services = services;
    this.#call = call;
    this.#use = use;
    this.#candidates = candidates;
    this.#meter = meter;
  }

  /**
   * Lets a request in.
   *
   * @param candidates of the plan; those that a budget or limit rules out are marked.
   * @throws {ApiError} 403 for a name that the caller may not ask for, 429 when a limit is reached.
   */
  static admit(
    services: GatewayServices,
    call: MeteredCall,
    use: ExpectedUse,
    candidates: readonly Candidate[],
  ): MeteredRequest | Promise<MeteredRequest> {
    if (!call.principal.mayAsk(use.model)) {
      throw new ApiError({
        status: 403,
        code: "model_not_allowed",
        param: "model",
        message: `This key may not ask for the model ${use.model}.`,
      });
    }
    const admitted = services.limiter.admit(call.principal, use);
    const begin = (meter: RequestMeter) => new MeteredRequest(services, call, use, candidates, meter);
    return admitted instanceof Promise ? admitted.then(begin) : begin(admitted);
  }

  /** The request has changed before it is sent. */
  expect(use: ExpectedUse): void {
    this.#use = use;
    this.#meter.expect(use);
  }

  /** The model that serves what a budget cannot pay. */
  get downgrade(): string | undefined {
    return this.#meter.downgrade;
  }

  /** The limits as they stand, for the answer's headers. */
  get limits(): ReturnType<RequestMeter["states"]> {
    return this.#meter.states();
  }

  /** Most tokens that the answer may have, where a hard budget needs a limit and the request has none. */
  get outputTokens(): number | undefined {
    return this.#outputTokens;
  }

  /** The target that was tried last; undefined when none was. */
  get target(): CatalogModel | undefined {
    return this.#target;
  }

  /**
   * Before a target is tried: sets money aside and writes ahead that it may be spent. Returns why not.
   *
   * @param spent what attempts before have cost, in nanodollars.
   */
  reserve(target: CatalogModel, spent = 0): ApiError | undefined | Promise<ApiError | undefined> {
    const reserved = this.#meter.reserve(target, spent);
    return reserved instanceof Promise
      ? reserved.then((answer) => this.#begin(target, answer))
      : this.#begin(target, reserved);
  }

  #begin(target: CatalogModel, reserved: Reservation | { readonly refusal: ApiError }): ApiError | undefined {
    if ("refusal" in reserved) {
      this.#mark(target.id, reserved.refusal);
      return reserved.refusal;
    }
    this.#outputTokens = reserved.outputTokens;
    this.#target = target;
    const { principal, decisionId, requestId, operation, stream } = this.#call;
    this.#services.ledger.begin({
      id: decisionId,
      time: this.#use.arrivedAt,
      request_id: requestId,
      operation,
      model: this.#use.model,
      target: target.id,
      key: principal.id,
      team: principal.team ?? null,
      organisation: principal.organisation ?? null,
      stream,
      input_tokens: this.#use.promptTokens,
      nanodollars: reserved.nanodollars ?? null,
    });
    return undefined;
  }

  settle(tokens: number, nanodollars: number): void {
    this.#meter.settle(tokens, nanodollars);
  }

  #mark(target: string, refusal: ApiError): void {
    const candidate = this.#candidates.find((one) => one.target === target && one.removed_by === undefined);
    if (candidate === undefined) return;
    candidate.removed_by = refusal.code === "rate_limit_exceeded" ? "limit" : "budget";
    candidate.reason = refusal.message;
  }
}
