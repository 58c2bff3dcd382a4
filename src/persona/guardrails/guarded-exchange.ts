import type { Clock } from "../../lib/clock.ts";
import type {
  GuardedText,
  Guardrail,
  GuardrailContext,
  GuardrailQuestion,
  Span,
  SpanGuardrail,
  Verdict,
} from "../../plugin/api/guardrail.ts";
import type { GuardrailSettings } from "../../schema/guardrail.ts";
import { Placeholders } from "./placeholders.ts";
import { type Replacement, replaceSpans, type ScannedText, SpanScanner } from "./span-scanner.ts";

/** A guardrail with what the configuration says of it. */
export interface GuardrailRule {
  readonly settings: GuardrailSettings;
  readonly guardrail: Guardrail;
}

/** Something that is not allowed. */
export class Blocked extends Error {
  override readonly name = "Blocked";
  readonly rule: GuardrailSettings;

  constructor(rule: GuardrailSettings) {
    super(rule.message);
    this.rule = rule;
  }
}

export interface GuardVerdict {
  readonly rule: GuardrailSettings;
  readonly direction: "input" | "output";
  readonly verdict: "replaced" | "blocked" | "failed";
  /** Without any of the text. */
  readonly reason: string;
}

export interface GuardWorld {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly responseSchema: GuardrailContext["responseSchema"];
  /** Asks a model on behalf of the caller. */
  ask(question: GuardrailQuestion, signal: AbortSignal): Promise<string>;
  /** Told of everything but passing. */
  onVerdict(verdict: GuardVerdict): void;
}

export function hasSpans(guardrail: Guardrail): guardrail is SpanGuardrail {
  return "find" in guardrail;
}

/** The rules of one request, over all of its texts and those of its answer. */
export class GuardedExchange {
  readonly #rules: readonly GuardrailRule[];
  readonly #world: GuardWorld;
  readonly #placeholders = new Placeholders();

  constructor(rules: readonly GuardrailRule[], world: GuardWorld) {
    this.#rules = rules;
    this.#world = world;
  }

  get guardsOutput(): boolean {
    return this.#of("output").length > 0 || !this.#placeholders.isEmpty;
  }

  /**
   * A whole text as it may go on.
   *
   * @param isNew of a request: it came after the last answer.
   * @throws {Blocked}
   */
  async guard(given: GuardedText, isNew = true): Promise<string> {
    let { text } = given;
    for (const rule of this.#of(given.direction)) {
      const { settings, guardrail } = rule;
      if (given.direction === "input") {
        if (settings.roles !== undefined && !settings.roles.includes(given.role)) continue;
        const turns = settings.turns ?? (hasSpans(guardrail) ? "all" : "last");
        if (turns === "last" && !isNew) continue;
      }
      const changed = await this.#apply(rule, { ...given, text });
      if (settings.mode === "enforce") text = changed;
    }
    return given.direction === "output" ? this.#placeholders.restore(text) : text;
  }

  /** For a text of an answer that comes in pieces. */
  channel(kind: GuardedText["kind"]): GuardedChannel {
    const rules = this.#of("output");
    const where = { direction: "output", role: "assistant", kind } as const;
    const isWhole = kind === "arguments" ||
      rules.some(({ settings, guardrail }) => settings.mode === "enforce" && !hasSpans(guardrail));
    if (isWhole) return new WholeChannel((text) => this.guard({ ...where, text }));
    const scanners = rules.flatMap(({ settings, guardrail }): RuleScanner[] => {
      if (settings.mode !== "enforce" || !hasSpans(guardrail)) return [];
      const find = (text: string) => this.#find(settings, guardrail, { ...where, text });
      return [{ rule: settings, scanner: new SpanScanner(guardrail.longest, find) }];
    });
    const restorer = this.#placeholders.isEmpty ? undefined : new SpanScanner(
      Placeholders.longest,
      (text) => this.#placeholders.find(text).map(({ original, ...span }) => ({ ...span, text: original })),
    );
    const shadows = rules.filter(({ settings }) => settings.mode === "shadow");
    const onWhole = shadows.length === 0 ? undefined : async (text: string) => {
      for (const rule of shadows) await this.#apply(rule, { ...where, text });
    };
    return new ScannedChannel(scanners, restorer, onWhole);
  }

  #of(direction: GuardedText["direction"]): GuardrailRule[] {
    return this.#rules.filter(({ settings: { applies_to: to } }) => to === "both" || to === direction);
  }

  /** @throws {Blocked} where the rule is enforced. */
  async #apply({ settings, guardrail }: GuardrailRule, given: GuardedText): Promise<string> {
    if (hasSpans(guardrail)) return this.#applySpans(settings, guardrail, given);
    const { responseSchema, ask } = this.#world;
    let verdict: Verdict;
    try {
      verdict = await this.#timed(
        settings.timeout_ms,
        async (signal) =>
          await guardrail.check(given, { signal, responseSchema, ask: (question) => ask(question, signal) }),
      );
    } catch (error) {
      if (this.#world.signal.aborted) throw this.#world.signal.reason;
      this.#tell(settings, given, "failed", messageOf(error));
      return settings.on_error === "pass" ? given.text : refused(settings, given.text);
    }
    if (verdict.verdict === "pass") return given.text;
    this.#tell(settings, given, verdict.verdict === "block" ? "blocked" : "replaced", verdict.reason);
    return verdict.verdict === "block" ? refused(settings, given.text) : verdict.text;
  }

  #applySpans(settings: GuardrailSettings, guardrail: SpanGuardrail, given: GuardedText): string {
    const replace = (text: string) => {
      const scanned = replaceSpans(
        text,
        (whole) => this.#find(settings, guardrail, { ...given, text: whole }),
      );
      return scanned.isBlocked ? refused(settings, text) : scanned.text;
    };
    return given.kind === "arguments" ? mapJsonTexts(given.text, replace) : replace(given.text);
  }

  #find(settings: GuardrailSettings, guardrail: SpanGuardrail, given: GuardedText): Replacement[] {
    let spans: readonly Span[];
    try {
      spans = guardrail.find(given);
    } catch (error) {
      const use = () => this.#tell(settings, given, "failed", messageOf(error));
      if (settings.on_error === "block") return [{ start: 0, end: given.text.length, text: undefined, use }];
      use();
      return [];
    }
    return spans.map(({ start, end, reason, replacement, label }) => ({
      start,
      end,
      text: label === undefined
        ? replacement
        : settings.mode === "shadow"
        ? ""
        : this.#placeholders.of(label, given.text.slice(start, end), given.text),
      use: () =>
        this.#tell(
          settings,
          given,
          label === undefined && replacement === undefined ? "blocked" : "replaced",
          reason,
        ),
    }));
  }

  async #timed<Value>(limitMs: number, work: (signal: AbortSignal) => Promise<Value>): Promise<Value> {
    const { clock, signal } = this.#world;
    const limit = new AbortController();
    const timer = clock.setTimeout(
      () => limit.abort(new Error(`it took longer than ${limitMs} ms`)),
      limitMs,
    );
    const either = AbortSignal.any([signal, limit.signal]);
    try {
      return await new Promise<Value>((resolve, reject) => {
        either.addEventListener("abort", () => reject(either.reason), { once: true });
        work(either).then(resolve, reject);
      });
    } finally {
      clock.clearTimeout(timer);
    }
  }

  #tell(
    rule: GuardrailSettings,
    { direction }: GuardedText,
    verdict: GuardVerdict["verdict"],
    reason: string,
  ): void {
    this.#world.onVerdict({ rule, direction, verdict, reason });
  }
}

/** A text of an answer that comes in pieces. */
export interface GuardedChannel {
  /** @returns what may go on by now. @throws {Blocked} */
  push(text: string): string;
  /** @returns the rest; the channel is then as new. @throws {Blocked} */
  end(): Promise<string>;
}

/** Nothing goes on before all of it is there. */
class WholeChannel implements GuardedChannel {
  readonly #guard: (text: string) => Promise<string>;
  #text = "";

  constructor(guard: (text: string) => Promise<string>) {
    this.#guard = guard;
  }

  push(text: string): string {
    this.#text += text;
    return "";
  }

  async end(): Promise<string> {
    const text = this.#text;
    this.#text = "";
    return text === "" ? "" : await this.#guard(text);
  }
}

interface RuleScanner {
  readonly rule: GuardrailSettings;
  readonly scanner: SpanScanner;
}

/** What goes on is held back by no more than the rules need. */
class ScannedChannel implements GuardedChannel {
  readonly #scanners: readonly RuleScanner[];
  readonly #restorer: SpanScanner | undefined;
  readonly #onWhole: ((text: string) => Promise<void>) | undefined;
  #whole = "";

  constructor(
    scanners: readonly RuleScanner[],
    restorer: SpanScanner | undefined,
    onWhole: ((text: string) => Promise<void>) | undefined,
  ) {
    this.#scanners = scanners;
    this.#restorer = restorer;
    this.#onWhole = onWhole;
  }

  push(text: string): string {
    if (this.#onWhole !== undefined) this.#whole += text;
    for (const { rule, scanner } of this.#scanners) text = allowed(rule, scanner.push(text));
    return this.#restorer?.push(text).text ?? text;
  }

  async end(): Promise<string> {
    let text = "";
    for (const { rule, scanner } of this.#scanners) {
      text = allowed(rule, scanner.push(text)) + allowed(rule, scanner.end());
    }
    const whole = this.#whole;
    this.#whole = "";
    if (whole !== "") await this.#onWhole?.(whole);
    return this.#restorer === undefined ? text : this.#restorer.push(text).text + this.#restorer.end().text;
  }
}

function allowed(rule: GuardrailSettings, { text, isBlocked }: ScannedText): string {
  if (isBlocked) throw new Blocked(rule);
  return text;
}

/** @throws {Blocked} unless the rule only watches. */
function refused(rule: GuardrailSettings, text: string): string {
  if (rule.mode === "shadow") return text;
  throw new Blocked(rule);
}

/** Every text within JSON; a number that is found too becomes a text. What is no JSON is one text. */
function mapJsonTexts(json: string, change: (text: string) => string): string {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return change(json);
  }
  let isChanged = false;
  const map = (inner: unknown): unknown => {
    if (typeof inner === "string" || typeof inner === "number") {
      const text = String(inner);
      const changed = change(text);
      if (changed === text) return inner;
      isChanged = true;
      return changed;
    }
    if (Array.isArray(inner)) return inner.map(map);
    if (typeof inner !== "object" || inner === null) return inner;
    return Object.fromEntries(Object.entries(inner).map(([name, each]) => [name, map(each)]));
  };
  const mapped = map(value);
  return isChanged ? JSON.stringify(mapped) : json;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message.slice(0, 200) : "it failed";
}
