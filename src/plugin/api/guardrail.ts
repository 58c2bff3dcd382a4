/** A text that a guardrail looks at. */
export interface GuardedText {
  readonly text: string;
  /** `input` goes to a model, `output` comes from one. */
  readonly direction: "input" | "output";
  /** Who says it; results of tools are `tool`, developers' words are `system`. */
  readonly role: "system" | "user" | "assistant" | "tool";
  /** `arguments` of a call of a tool are JSON. */
  readonly kind: "text" | "arguments";
}

/** A part of a text that a guardrail objects to. */
export interface Span {
  /** In UTF-16 units, from 0. */
  readonly start: number;
  /** Behind its last unit. */
  readonly end: number;
  /** For records and logs, in a word or two and without any of the text: `card number`. */
  readonly reason: string;
  /**
   * What is put in its place; without it, and without a label, the whole text is blocked.
   */
  readonly replacement?: string;
  /**
   * Capital letters and underscores: a numbered placeholder such as `[EMAIL_1]` is put in its place, the same for the same text; in the
   * answer to this request it becomes the text again.
   */
  readonly label?: string;
}

/**
 * Objects to parts of texts that can be told from a bounded piece of them: then a stream is held back by no more than `longest`
 * characters.
 */
export interface SpanGuardrail {
  /** The longest part that it can object to, in UTF-16 units; a longer one may be missed in a stream. */
  readonly longest: number;
  /** In order of their starts; must not take longer than in proportion to the text. */
  find(text: GuardedText): readonly Span[];
  close?(): void | Promise<void>;
}

export type Verdict =
  | { readonly verdict: "pass" }
  | { readonly verdict: "replace"; readonly text: string; readonly reason: string }
  | { readonly verdict: "block"; readonly reason: string };

/** A question to a model, on behalf of the caller. */
export interface GuardrailQuestion {
  /** As a client would name it; the request's own when absent. */
  readonly model?: string;
  readonly messages: readonly { readonly role: "system" | "user" | "assistant"; readonly content: string }[];
  /** JSON schema of the answer. */
  readonly schema?: Readonly<Record<string, unknown>>;
  /** Most tokens of the answer. */
  readonly maxTokens?: number;
}

export interface GuardrailContext {
  readonly signal: AbortSignal;
  /** The JSON schema that the client asked the answer to fit, where it did. */
  readonly responseSchema: Readonly<Record<string, unknown>> | undefined;
  /** Asks a model, through the gateway's own pipeline and without guardrails. Rejects with whatever it is refused for. */
  ask(question: GuardrailQuestion): Promise<string>;
}

/** Judges whole texts, and may take its time. Streams wait for the end of a text. */
export interface TextGuardrail {
  check(text: GuardedText, context: GuardrailContext): Verdict | Promise<Verdict>;
  close?(): void | Promise<void>;
}

/**
 * Looks at what goes to models and what comes from them. One instance serves all requests of a configuration. When it throws, the
 * configuration's `on_error` decides.
 */
export type Guardrail = SpanGuardrail | TextGuardrail;
