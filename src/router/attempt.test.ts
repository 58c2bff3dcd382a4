import { describe, expect, test } from "bun:test";
import { FakeClock, settle } from "../../test/support/fake-clock.ts";
import { planOf, resolutionOf, stateSettings } from "../../test/support/router-fixtures.ts";
import { ApiError } from "../lib/api-error.ts";
import type { StrategyOutcome } from "../plugin/api/strategy.ts";
import { UpstreamError, type UpstreamErrorKind } from "../plugin/api/upstream-error.ts";
import type { AttemptRecord } from "../schema/decision.ts";
import { Attempter } from "./attempt.ts";
import type { AttemptContext, Dispatched, Plan } from "./contracts.ts";
import { TargetStates, type TargetStateSettings } from "./target-states.ts";

type Script = (context: AttemptContext, call: number) => Promise<string>;

function setUp(settings: Partial<TargetStateSettings> = {}) {
  const clock = new FakeClock(1_000_000);
  const states = new TargetStates({ ...stateSettings, ...settings });
  const defects: unknown[] = [];
  const attempter = new Attempter({
    states,
    clock,
    random: () => 0.5,
    backoffBaseMs: 100,
    backoffMaxMs: 1_000,
    onPluginError: (_where, error) => defects.push(error),
  });
  const controller = new AbortController();
  const attempts: AttemptRecord[] = [];
  const called: string[] = [];
  /** Starts a series; the result can be looked at once the clock has moved. */
  const start = (plan: Plan, script: Script) => {
    const result = { value: undefined as Dispatched<string> | undefined, error: undefined as unknown };
    const done = attempter.attempt(plan, (context) => {
      called.push(context.model.id);
      return script(context, called.length);
    }, { signal: controller.signal, arrivedAt: clock.monotonic(), attempts })
      .then((value) => void (result.value = value), (error) => void (result.error = error));
    return { result, done };
  };
  const run = async (plan: Plan, script: Script) => {
    const { result, done } = start(plan, script);
    await settle();
    for (let count = 0; count < 1_000 && result.value === undefined && result.error === undefined; count++) {
      await clock.advance(50);
    }
    await done;
    return result;
  };
  return { clock, states, defects, controller, attempts, called, start, run };
}

function failure(
  kind: UpstreamErrorKind,
  more: { status?: number; retryAfterMs?: number } = {},
): UpstreamError {
  return new UpstreamError({ kind, message: `it was ${kind}`, ...more });
}

function failing(kind: UpstreamErrorKind, more?: { status?: number; retryAfterMs?: number }): Script {
  return () => Promise.reject(failure(kind, more));
}

const never: Script = (context) =>
  new Promise((_resolve, reject) =>
    context.signal.addEventListener("abort", () => reject(context.signal.reason))
  );

describe("Attempter: the good case", () => {
  test("the first target's answer is handed on, and nothing is left behind when it is finished", async () => {
    const { clock, states, called, attempts, controller, run } = setUp();
    const plan = planOf(["a/m", "b/m"]);
    const { value } = await run(plan, () => Promise.resolve("answer"));
    expect(value?.value).toBe("answer");
    expect(value?.model.id).toBe("a/m");
    const state = states.of(value!.model);
    expect([state.outstandingRequests, state.outstandingTokens]).toEqual([1, 100]);
    await clock.advance(250);
    const record = value!.finish({ outcome: "ok", outputTokens: 5 });
    expect(record).toMatchObject({ target: "a/m", outcome: "ok", start_ms: 0, first_token_ms: 0 });
    expect([state.outstandingRequests, state.outstandingTokens]).toEqual([0, 0]);
    expect(called).toEqual(["a/m"]);
    expect(attempts).toEqual([]);
    expect(clock.pending).toBe(0);
    controller.abort();
  });

  test("the client's leaving reaches the call while it runs, and no longer when it is finished", async () => {
    const { controller, run } = setUp();
    let signal: AbortSignal | undefined;
    const first = await run(planOf(["a/m"]), (context) => {
      signal = context.signal;
      return Promise.resolve("answer");
    });
    first.value!.finish({ outcome: "ok", outputTokens: 1 });
    controller.abort(new Error("left"));
    expect(signal!.aborted).toBe(false);
  });

  test("abort() ends the call with the given reason", async () => {
    const { run } = setUp();
    let signal: AbortSignal | undefined;
    const { value } = await run(planOf(["a/m"]), (context) => {
      signal = context.signal;
      return Promise.resolve("answer");
    });
    value!.abort("silence");
    expect(signal!.reason).toBe("silence");
  });
});

describe("Attempter: retry and fallback", () => {
  test("a broken connection is retried on the same target with a pause, then the next is tried", async () => {
    const { called, attempts, run } = setUp();
    const { value } = await run(
      planOf(["a/m", "b/m"]),
      (context) =>
        context.model.id === "a/m" ? Promise.reject(failure("unavailable")) : Promise.resolve("answer"),
    );
    expect(called).toEqual(["a/m", "a/m", "a/m", "b/m"]);
    expect(value?.model.id).toBe("b/m");
    expect(attempts.map(({ outcome, error, start_ms }) => [outcome, error, start_ms])).toEqual([
      ["error", "unavailable", 0],
      ["error", "unavailable", 50],
      ["error", "unavailable", 150],
    ]);
  });

  for (const kind of ["rate_limited", "overloaded", "timeout", "bad_response"] as const) {
    test(`${kind}: the next target is tried at once`, async () => {
      const { called, run } = setUp();
      const { value } = await run(
        planOf(["a/m", "b/m"]),
        (context) => context.model.id === "a/m" ? Promise.reject(failure(kind)) : Promise.resolve("answer"),
      );
      expect(called).toEqual(["a/m", "b/m"]);
      expect(value?.value).toBe("answer");
    });
  }

  test("with every other target unwell, the last one that is left is retried", async () => {
    const { called, states, clock, run } = setUp();
    const plan = planOf(["a/m", "b/m"]);
    states.of(plan.targets[1]!.model).coolUntil = clock.monotonic() + 60_000;
    const { value } = await run(
      plan,
      (_context, call) => call < 2 ? Promise.reject(failure("overloaded")) : Promise.resolve("answer"),
    );
    expect(called).toEqual(["a/m", "a/m"]);
    expect(value?.value).toBe("answer");
  });

  test("a single target that limits the rate is asked again after the time it named", async () => {
    const { called, clock, start } = setUp();
    const { result } = start(
      planOf(["a/m"]),
      (_context, call) =>
        call === 1
          ? Promise.reject(failure("rate_limited", { retryAfterMs: 4_000 }))
          : Promise.resolve("answer"),
    );
    await settle();
    await clock.advance(3_999);
    expect(called).toHaveLength(1);
    await clock.advance(1);
    expect(called).toHaveLength(2);
    expect(result.value?.value).toBe("answer");
  });

  test("a whole answer that hangs leaves the others their share of the time", async () => {
    const { called, attempts, states, run } = setUp();
    const plan = planOf(["a/m", "b/m", "c/m"], { stream: false });
    const script: Script = (context, call) =>
      context.model.id === "c/m" ? Promise.resolve("answer") : never(context, call);
    const { value } = await run(plan, script);
    expect(called).toEqual(["a/m", "b/m", "c/m"]);
    expect(attempts.map(({ error, duration_ms }) => [error, Math.round(duration_ms / 1_000)])).toEqual([
      ["timeout", 20],
      ["timeout", 20],
    ]);
    expect(value!.firstTokenMs).toBeUndefined();
    expect(states.of(plan.targets[0]!.model).lastError).toContain("no answer within 20000 ms");
  });

  test("an answer clears what was held against a target and its provider's credential", async () => {
    const { states, clock, run } = setUp();
    const plan = planOf(["a/m"]);
    const { model } = plan.targets[0]!;
    states.refuseCredential("a", clock.monotonic());
    states.of(model).lastError = "unavailable: no connection";
    const { value } = await run(plan, () => Promise.resolve("answer"));
    value!.finish({ outcome: "ok", outputTokens: 1 });
    expect(states.unhealthy(model, clock.monotonic())).toBeUndefined();
    expect(states.of(model).lastError).toBeUndefined();
  });

  test("a pause of more than a minute is not waited for, however much time there is", async () => {
    const { called, run } = setUp();
    const plan = planOf(["a/m"], {
      resolution: resolutionOf(["a/m"], { timeouts: { firstTokenMs: 0, wholeMs: 0, idleMs: 0, totalMs: 0 } }),
    });
    await run(plan, failing("rate_limited", { status: 429, retryAfterMs: 61_000 }));
    expect(called).toHaveLength(1);
  });

  test("a refusal of payment, or of one model, rests that target and not its whole provider", async () => {
    for (const status of [402, 403]) {
      const { states, clock, run } = setUp();
      const plan = planOf(["a/m", "a/n"]);
      await run(
        plan,
        (context) =>
          context.model.id === "a/m"
            ? Promise.reject(failure("auth", { status }))
            : Promise.resolve("answer"),
      );
      const [refused, other] = plan.targets.map(({ model }) =>
        states.unhealthy(model, clock.monotonic())?.state
      );
      expect([status, refused, other]).toEqual([status, "cooling", undefined]);
    }
  });

  test("a later complaint does not shorten the pause that an earlier one asked for", async () => {
    const { states, clock, run } = setUp();
    const plan = planOf(["a/m"]);
    await run(plan, failing("rate_limited", { status: 429, retryAfterMs: 50_000 }));
    const { coolUntil } = states.of(plan.targets[0]!.model);
    await run(plan, failing("rate_limited", { status: 429, retryAfterMs: 1 }));
    expect(states.of(plan.targets[0]!.model).coolUntil).toBeGreaterThanOrEqual(coolUntil);
    expect(coolUntil - clock.monotonic()).toBeGreaterThan(40_000);
  });

  test("a pause that would pass the deadline or a minute is not waited for", async () => {
    for (const retryAfterMs of [59_000, 61_000]) {
      const { called, run } = setUp();
      const plan = planOf(["a/m"], {
        resolution: resolutionOf(["a/m"], {
          timeouts: { firstTokenMs: 0, wholeMs: 0, idleMs: 0, totalMs: 30_000 },
        }),
      });
      const { error } = await run(plan, failing("rate_limited", { status: 429, retryAfterMs }));
      expect(called).toHaveLength(1);
      expect(error).toMatchObject({ status: 429, retryAfterMs });
      expect((error as ApiError).shouldRetry).toBeUndefined();
    }
  });

  for (const [kind, status] of [["invalid_request", 400], ["content_filter", 400]] as const) {
    test(`${kind}: no other target is tried, the client is told`, async () => {
      const { called, states, clock, run } = setUp();
      const plan = planOf(["a/m", "b/m"]);
      const { error } = await run(plan, failing(kind, { status }));
      expect(called).toEqual(["a/m"]);
      expect(error).toMatchObject({ status: 400, message: `it was ${kind}` });
      expect(states.unhealthy(plan.targets[0]!.model, clock.monotonic())).toBeUndefined();
    });
  }

  test("a backend that does not have the model, or whose context is too small, leaves it to the next", async () => {
    for (const [kind, status] of [["invalid_request", 404], ["context_length", 400]] as const) {
      const { called, run } = setUp();
      await run(
        planOf(["a/m", "b/m"]),
        (context) =>
          context.model.id === "a/m" ? Promise.reject(failure(kind, { status })) : Promise.resolve("answer"),
      );
      expect(called).toEqual(["a/m", "b/m"]);
    }
  });

  test("the retry budget is never exceeded by a backend that fails everything", async () => {
    const plan = planOf(["a/m"], {
      resolution: resolutionOf(["a/m"], { timeouts: { firstTokenMs: 0, wholeMs: 0, idleMs: 0, totalMs: 0 } }),
    });
    const { called, start, clock } = setUp({ breaker: { failures: 1_000, openMs: 1, maxOpenMs: 1 } });
    const series = Array.from({ length: 10 }, () => start(plan, failing("unavailable")));
    await settle();
    await clock.advance(5_000);
    await Promise.all(series.map(({ done }) => done));
    expect(called).toHaveLength(10 + 3);
  });

  test("with everything exhausted, the client is told not to retry when the gateway did", async () => {
    const { run } = setUp();
    const { error } = await run(planOf(["a/m", "b/m"]), failing("overloaded", { status: 503 }));
    expect(error).toMatchObject({ status: 503, shouldRetry: false });
  });

  test("targets that have become unwell since the plan was made are passed over", async () => {
    const { called, states, clock, run } = setUp();
    const plan = planOf(["a/m", "b/m"]);
    states.of(plan.targets[0]!.model).coolUntil = clock.monotonic() + 5_000;
    await run(plan, () => Promise.resolve("answer"));
    expect(called).toEqual(["b/m"]);
  });
});

describe("Attempter: whose fault it was", () => {
  test("failures in a row open the circuit; the next request goes to another target", async () => {
    const { states, clock, run } = setUp();
    const plan = planOf(["a/m"]);
    await run(plan, failing("unavailable"));
    expect(states.unhealthy(plan.targets[0]!.model, clock.monotonic())).toMatchObject({
      state: "open",
      lastError: "unavailable",
    });
  });

  test("a bad key keeps every model of that provider out, and no other provider", async () => {
    const { called, states, clock, start } = setUp();
    const plan = planOf(["a/m", "a/other", "b/m"]);
    const { result } = start(
      plan,
      (context) =>
        context.model.provider === "a"
          ? Promise.reject(failure("auth", { status: 401 }))
          : Promise.resolve("answer"),
    );
    await settle();
    expect(result.value?.value).toBe("answer");
    expect(called).toEqual(["a/m", "b/m"]);
    expect(states.unhealthy(plan.targets[1]!.model, clock.monotonic())).toMatchObject({
      state: "credential",
      retryAfterMs: 60_000,
    });
    expect(states.unhealthy(plan.targets[1]!.model, clock.monotonic() + 60_000)).toBeUndefined();
  });

  test("a model that the key may not use keeps only itself out", async () => {
    const { called, run, states, clock } = setUp();
    const plan = planOf(["a/m", "a/other"]);
    await run(
      plan,
      (context) =>
        context.model.id === "a/m"
          ? Promise.reject(failure("auth", { status: 403 }))
          : Promise.resolve("answer"),
    );
    expect(called).toEqual(["a/m", "a/other"]);
    expect(states.unhealthy(plan.targets[0]!.model, clock.monotonic())?.state).toBe("cooling");
  });

  test("a refused credential is told to the client as the operator's matter, not as 401", async () => {
    const { run } = setUp();
    const { error } = await run(planOf(["a/m"]), failing("auth", { status: 401 }));
    expect(error).toMatchObject({ status: 502, code: "upstream_auth" });
  });

  test("a rate limit cools the target down and leaves its circuit alone", async () => {
    const { states, clock, start } = setUp();
    const plan = planOf(["a/m", "b/m"]);
    start(
      plan,
      (context) =>
        context.model.id === "a/m"
          ? Promise.reject(failure("rate_limited", { retryAfterMs: 7_000 }))
          : Promise.resolve("answer"),
    );
    await settle();
    const { model } = plan.targets[0]!;
    expect(states.unhealthy(model, clock.monotonic())).toMatchObject({
      state: "cooling",
      retryAfterMs: 7_000,
    });
    expect(states.of(model).breaker.state(clock.monotonic())).toBe("closed");
  });

  test("what a plugin must not throw counts as a bad response and is reported", async () => {
    const { defects, attempts, run } = setUp();
    const defect = new TypeError("undefined is not a function");
    const { value } = await run(planOf(["a/m", "b/m"]), (context) => {
      if (context.model.id === "a/m") throw defect;
      return Promise.resolve("answer");
    });
    expect(value?.model.id).toBe("b/m");
    expect(defects).toEqual([defect]);
    expect(attempts[0]).toMatchObject({ error: "bad_response" });
  });

  test("an answer cut off by the backend counts as its failure when it is finished", async () => {
    const { states, run } = setUp();
    const { value } = await run(planOf(["a/m"]), () => Promise.resolve("answer"));
    const record = value!.finish({ outcome: "truncated", error: failure("unavailable"), outputTokens: 3 });
    expect(record).toMatchObject({ outcome: "truncated", error: "unavailable" });
    expect(states.of(value!.model).lastError).toBe("unavailable");
  });
});

describe("Attempter: time limits", () => {
  test("no first token in time: the call is aborted and the next target tried", async () => {
    const { clock, called, attempts, start } = setUp();
    let reason: unknown;
    const { result } = start(planOf(["a/m", "b/m"]), (context, call) => {
      if (call === 2) return Promise.resolve("answer");
      context.signal.addEventListener("abort", () => (reason = context.signal.reason));
      return never(context, call);
    });
    await clock.advance(999);
    expect(called).toHaveLength(1);
    await clock.advance(1);
    expect(result.value?.model.id).toBe("b/m");
    expect(reason).toBeInstanceOf(UpstreamError);
    expect(attempts[0]).toMatchObject({ error: "timeout", duration_ms: 1_000 });
  });

  test("a whole answer has no first-token limit, only the deadline", async () => {
    const { clock, start } = setUp();
    const { result } = start(planOf(["a/m"], { stream: false }), never);
    await clock.advance(59_999);
    expect(result.error).toBeUndefined();
    await clock.advance(1);
    expect(result.error).toMatchObject({ status: 504, code: "upstream_timeout" });
    expect(clock.pending).toBe(0);
  });

  test("a provider that does not heed the signal cannot keep the request", async () => {
    const { clock, states, start } = setUp();
    const plan = planOf(["a/m"]);
    const { result } = start(
      { ...plan, resolution: { ...plan.resolution, retries: 0 } },
      () => new Promise(() => {}),
    );
    await clock.advance(1_000);
    expect(result.error).toMatchObject({ status: 504 });
    expect(states.of(plan.targets[0]!.model).outstandingRequests).toBe(0);
  });

  test("a stream that has begun still ends at the deadline, and its target is not blamed", async () => {
    const { clock, states, start } = setUp();
    const { result } = start(planOf(["a/m"]), (context) => Promise.resolve(context).then(() => "answer"));
    let signal: AbortSignal | undefined;
    const second = start(planOf(["b/m"]), (context) => {
      signal = context.signal;
      return Promise.resolve("answer");
    });
    await clock.advance(60_000);
    expect(signal!.reason).toMatchObject({ kind: "timeout" });
    second.result.value!.finish({ outcome: "truncated", error: signal!.reason, outputTokens: 9 });
    expect(states.of(second.result.value!.model).lastError).toBeUndefined();
    result.value!.finish({ outcome: "ok", outputTokens: 1 });
    expect(clock.pending).toBe(0);
  });

  test("a client's own short time limit cannot open a circuit", async () => {
    const { clock, states, start } = setUp();
    const plan = planOf(["a/m"]);
    for (let count = 0; count < 10; count++) {
      const { result } = start({ ...plan, timeouts: { ...plan.timeouts, totalMs: 5 } }, never);
      await clock.advance(5);
      expect(result.error).toMatchObject({ status: 504 });
    }
    expect(states.unhealthy(plan.targets[0]!.model, clock.monotonic())).toBeUndefined();
  });

  test("a deadline that the operator set and the target had for itself is the target's failure", async () => {
    const { clock, states, start } = setUp({ breaker: { failures: 1, openMs: 10_000, maxOpenMs: 10_000 } });
    const plan = planOf(["a/m"], { stream: false });
    start(plan, never);
    await clock.advance(60_000);
    expect(states.unhealthy(plan.targets[0]!.model, clock.monotonic())?.state).toBe("open");
  });

  test("no limit of 0 milliseconds ever fires", async () => {
    const { clock, start } = setUp();
    const resolution = resolutionOf(["a/m"], {
      timeouts: { firstTokenMs: 0, wholeMs: 0, idleMs: 0, totalMs: 0 },
    });
    const { result } = start(planOf([], { resolution }), never);
    await clock.advance(1e9);
    expect(clock.pending).toBe(0);
    expect(result.error).toBeUndefined();
  });
});

describe("Attempter: the client leaves", () => {
  test("during a call: its reason is passed on, nothing else is tried, nobody is blamed", async () => {
    const { controller, called, attempts, states, clock, start } = setUp();
    const plan = planOf(["a/m", "b/m"]);
    const { result } = start(plan, never);
    await settle();
    const reason = new Error("left");
    controller.abort(reason);
    await settle();
    expect(result.error).toBe(reason);
    expect(called).toEqual(["a/m"]);
    expect(attempts).toMatchObject([{ target: "a/m", outcome: "cancelled" }]);
    expect(states.unhealthy(plan.targets[0]!.model, clock.monotonic())).toBeUndefined();
    expect(clock.pending).toBe(0);
  });

  test("during the pause before a retry: the pause ends at once", async () => {
    const { controller, called, clock, start } = setUp();
    const { result } = start(planOf(["a/m"]), failing("unavailable"));
    await settle();
    controller.abort("left");
    await settle();
    expect(result.error).toBe("left");
    expect(called).toHaveLength(1);
    expect(clock.pending).toBe(0);
  });

  test("before the first call: no call is made", async () => {
    const { controller, called, start } = setUp();
    controller.abort("left");
    const { result } = start(planOf(["a/m"]), failing("unavailable"));
    await settle();
    expect(result.error).toBe("left");
    expect(called).toEqual([]);
  });
});

describe("Attempter: what the strategy is told", () => {
  test("every dispatched attempt once, with what became of it", async () => {
    const outcomes: StrategyOutcome[] = [];
    const { run } = setUp();
    const resolution = resolutionOf(["a/m", "b/m"], {
      strategyPlugin: { rank: () => [], onOutcome: (outcome) => void outcomes.push(outcome) },
    });
    const { value } = await run(
      planOf([], { resolution }),
      (context) =>
        context.model.id === "a/m" ? Promise.reject(failure("overloaded")) : Promise.resolve("answer"),
    );
    value!.finish({ outcome: "ok", outputTokens: 42 });
    expect(outcomes).toMatchObject([
      { id: "a/m", ok: false, error: "overloaded", outputTokens: 0 },
      { id: "b/m", ok: true, outputTokens: 42, firstTokenMs: 0, promptTokens: 10 },
    ]);
  });

  test("a strategy that throws while it learns harms no request", async () => {
    const { defects, run } = setUp();
    const defect = new Error("learning");
    const resolution = resolutionOf(["a/m"], {
      strategyPlugin: {
        rank: () => [],
        onOutcome: () => {
          throw defect;
        },
      },
    });
    const { value } = await run(planOf([], { resolution }), () => Promise.resolve("answer"));
    expect(value!.finish({ outcome: "ok", outputTokens: 1 }).outcome).toBe("ok");
    expect(defects).toEqual([defect]);
  });
});
