import type {
  GuardedText,
  Guardrail,
  GuardrailContext,
  Span,
  SpanGuardrail,
  TextGuardrail,
} from "../api/guardrail.ts";
import { type Skips, type TestFunctions, withSkips } from "./test-functions.ts";

export interface GuardrailKitOptions {
  make(): Guardrail | Promise<Guardrail>;
  /** Texts that it objects to. */
  readonly objectionable: readonly string[];
  /** Texts that it lets pass. */
  readonly harmless: readonly string[];
  /** Answers its questions to models, where it asks any. */
  readonly ask?: GuardrailContext["ask"];
  readonly responseSchema?: GuardrailContext["responseSchema"];
  /** What comes from models is what it judges; else what goes to them. */
  readonly direction?: GuardedText["direction"];
  readonly skip?: Skips;
}

/** Longest time for 100,000 characters of any text, in milliseconds: a backtracking expression takes minutes. */
const hostileLimitMs = 5_000;

/** The contract of `Guardrail`: every implementation must pass it. */
export function testGuardrail(functions: TestFunctions, options: GuardrailKitOptions): void {
  const { expect } = functions;
  const { test, checkSkips } = withSkips(functions, options.skip);
  const { direction = "input", objectionable, harmless, responseSchema } = options;
  const context: GuardrailContext = {
    signal: new AbortController().signal,
    responseSchema,
    ask: options.ask ?? (() => Promise.reject(new Error("The kit was given no `ask`."))),
  };
  const given = (text: string): GuardedText => ({
    text,
    direction,
    role: direction === "input" ? "user" : "assistant",
    kind: "text",
  });
  const withGuardrail = (body: (guardrail: Guardrail) => Promise<void>) => async () => {
    const guardrail = await options.make();
    try {
      await body(guardrail);
    } finally {
      await guardrail.close?.();
    }
  };
  const objects = async (guardrail: Guardrail, text: string) =>
    isSpans(guardrail)
      ? guardrail.find(given(text)).length > 0
      : (await guardrail.check(given(text), context)).verdict !== "pass";

  functions.describe("guardrail contract", () => {
    test(
      "it objects to what it should, and to nothing else",
      withGuardrail(async (guardrail) => {
        for (const text of objectionable) {
          expect([text, await objects(guardrail, text)]).toEqual([text, true]);
        }
        for (const text of ["", ...harmless]) {
          expect([text, await objects(guardrail, text)]).toEqual([text, false]);
        }
      }),
    );

    test(
      "the same text gets the same verdict",
      withGuardrail(async (guardrail) => {
        for (const text of [...objectionable, ...harmless]) {
          const [one, other] = [await verdictOf(guardrail, text), await verdictOf(guardrail, text)];
          expect(one).toEqual(other);
        }
      }),
    );

    test(
      "spans are within the text, in order, and no longer than was said",
      withGuardrail((guardrail) => {
        if (isSpans(guardrail)) {
          for (const text of objectionable) expectSpans(expect, guardrail, `before ${text} after`);
        }
        return Promise.resolve();
      }),
    );

    test(
      "reasons tell nothing of the text",
      withGuardrail(async (guardrail) => {
        for (const text of objectionable) {
          const verdict = await verdictOf(guardrail, text);
          const reasons = Array.isArray(verdict)
            ? (verdict as Span[]).map(({ reason }) => reason)
            : [(verdict as { readonly reason: string }).reason];
          for (const reason of reasons) {
            expect(reason).not.toBe("");
            if (text.length >= 12) expect(reason).not.toContain(text);
          }
        }
      }),
    );

    test(
      "a long text is looked through in time, however it is made",
      withGuardrail(async (guardrail) => {
        const pieces = [
          ...objectionable.map((text) => text.slice(0, -1)),
          "a",
          "1 ",
          "@a.",
          "-",
          "é",
          "\u{1f600}",
          "((",
          "ignore ",
        ];
        for (const piece of pieces.filter((text) => text !== "")) {
          const text = piece.repeat(Math.ceil(100_000 / piece.length)).slice(0, 100_000);
          const startedAt = performance.now();
          await verdictOf(guardrail, text).catch(() => {});
          expect(performance.now() - startedAt).toBeLessThan(hostileLimitMs);
        }
      }),
    );

    checkSkips();
  });

  async function verdictOf(guardrail: Guardrail, text: string): Promise<unknown> {
    return isSpans(guardrail) ? guardrail.find(given(text)) : await guardrail.check(given(text), context);
  }

  function expectSpans(expect: TestFunctions["expect"], guardrail: SpanGuardrail, text: string): void {
    let before = 0;
    for (const { start, end } of guardrail.find(given(text))) {
      expect(start).toBeGreaterThanOrEqual(before);
      expect(end).toBeGreaterThan(start);
      expect(end).toBeLessThanOrEqual(text.length);
      expect(end - start).toBeLessThanOrEqual(guardrail.longest);
      before = start;
    }
  }
}

function isSpans(guardrail: SpanGuardrail | TextGuardrail): guardrail is SpanGuardrail {
  return "find" in guardrail;
}
