/** One target as a strategy sees it. All counters are of this process. */
export interface StrategyTarget {
  /** `provider/model`. */
  readonly id: string;
  readonly provider: string;
  readonly model: string;
  /** Share asked for by the operator; 1 when none was given. */
  readonly weight: number;
  /** Requests now in flight to this target. */
  readonly outstandingRequests: number;
  /** Tokens of the requests now in flight: their prompts, and the output each may still produce. */
  readonly outstandingTokens: number;
  /** Price in US dollars for one million tokens; undefined when unknown. */
  readonly inputPrice: number | undefined;
  readonly outputPrice: number | undefined;
}

/** What a strategy may know of the request. */
export interface StrategyRequest {
  /** The route's name, or the model name where no route is concerned. */
  readonly route: string;
  /** Estimated tokens of the prompt. */
  readonly promptTokens: number;
  /** Estimated tokens of the answer: the client's limit or a default, whichever is smaller. */
  readonly outputTokens: number;
  /** The client's own limit of the answer in tokens, when it gave one: the worst case. */
  readonly maxOutputTokens: number | undefined;
  readonly stream: boolean;
  /** The client's `user` or `safety_identifier`, when given. */
  readonly user: string | undefined;
  /** The caller's id. */
  readonly principal: string;
  /** A request header by its lower-case name; credentials are never shown. */
  header(name: string): string | undefined;
  /**
   * The prompt as one text in a canonical form, made when first asked for; equal prefixes give equal texts. Of a chat: the
   * tools as JSON, then for each message NUL, its role, NUL, its content.
   */
  prompt(): string;
}

/** A strategy's verdict on one target. */
export interface RankedTarget {
  readonly id: string;
  /** Higher is better; for the decision record only. */
  readonly score?: number;
  /** The probability with which this target was put first, for off-policy evaluation. */
  readonly propensity?: number;
}

/** What became of one attempt. */
export interface StrategyOutcome {
  readonly id: string;
  readonly ok: boolean;
  /** The `UpstreamError` kind, or `cancelled` when the client left. */
  readonly error?: string;
  readonly promptTokens: number;
  /** Tokens actually produced. */
  readonly outputTokens: number;
  /** From dispatch to the first token, in milliseconds; undefined when none came or the answer came whole. */
  readonly firstTokenMs?: number;
  /** From dispatch to the end, in milliseconds. */
  readonly totalMs: number;
  readonly request: StrategyRequest;
}

/**
 * Orders the targets that passed every hard filter. Synchronous, without I/O, deterministic through `host.random`
 * and `host.now`; must not keep or change the arrays it is given. Targets that it leaves out are not
 * tried. When it throws, the gateway logs that and uses the order of the configuration.
 */
export interface Strategy {
  rank(targets: readonly StrategyTarget[], request: StrategyRequest): readonly RankedTarget[];
  /** Told once for every attempt that was dispatched, also the failed and the cancelled ones. */
  onOutcome?(outcome: StrategyOutcome): void;
  close?(): void | Promise<void>;
}
