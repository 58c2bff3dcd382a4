import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import {
  catalogModel,
  requestFacts,
  resolutionOf,
  resolvedTarget,
  targetStates,
} from "../../test/support/router-fixtures.ts";
import { ApiError } from "../lib/api-error.ts";
import type { RankedTarget, Strategy, StrategyRequest, StrategyTarget } from "../plugin/api/strategy.ts";
import { type Candidate, candidateSchema, filterSchema } from "../schema/decision.ts";
import type { CatalogModel, RequestFacts, Resolution } from "./contracts.ts";
import { Planner } from "./plan.ts";

const now = 1_000_000;

function setUp({ hints = true } = {}) {
  const states = targetStates();
  const defects: unknown[] = [];
  const planner = new Planner({ states, hints, onStrategyError: (_strategy, error) => defects.push(error) });
  const plan = (resolution: Resolution, facts: Partial<RequestFacts> = {}) => {
    const candidates: Candidate[] = [];
    try {
      return {
        plan: planner.plan(resolution, requestFacts(facts), candidates, now),
        candidates,
        error: undefined,
      };
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      return { plan: undefined, candidates, error };
    }
  };
  return { states, defects, plan };
}

function order(
  result: { readonly plan: { readonly targets: readonly { readonly model: CatalogModel }[] } | undefined },
) {
  return result.plan?.targets.map(({ model }) => model.id);
}

function ranking(
  rank: (targets: readonly StrategyTarget[], request: StrategyRequest) => unknown,
): Partial<Resolution> {
  return { strategy: "special", strategyPlugin: { rank: rank as Strategy["rank"] } };
}

const tools = { needsTools: true };

/** One target that each filter removes, in the filters' order, with the request that makes it so. */
const removed = {
  unknown: { target: { name: "gone/m", model: undefined, weight: 1, firstTokenMs: undefined }, facts: {} },
  hint: { target: resolvedTarget("a/m"), facts: { headers: new Headers({ "x-intellirouter-ignore": "a" }) } },
  permission: { target: resolvedTarget("a/m"), facts: { mayUse: (id: string) => id !== "a/m" } },
  operation: {
    target: resolvedTarget(catalogModel("a/m", { operations: new Set(["embeddings"]) })),
    facts: {},
  },
  capability: { target: resolvedTarget(catalogModel("a/m", { tools: false })), facts: tools },
  context_length: {
    target: resolvedTarget(catalogModel("a/m", { contextLength: 5 })),
    facts: { promptTokens: 10 },
  },
  price: { target: resolvedTarget(catalogModel("a/m", { inputPrice: 9 })), facts: {} },
} as const;

describe("filters", () => {
  for (const [filter, { target, facts }] of Object.entries(removed)) {
    test(`${filter} removes a target and says why; the others stay`, () => {
      const resolution = resolutionOf([target, resolvedTarget(catalogModel("b/m", { inputPrice: 1 }))], {
        maxInputPrice: 5,
      });
      const result = setUp().plan(resolution, facts);
      expect(order(result)).toEqual(["b/m"]);
      expect(result.candidates[0]).toMatchObject({ target: target.name, removed_by: filter });
      expect(result.candidates[0]?.reason).toBeString();
      expect(result.candidates[1]).toEqual({ target: "b/m", rank: 1 });
    });
  }

  test("health removes a target whose circuit is open, and one that cools down", () => {
    const { states, plan } = setUp();
    const resolution = resolutionOf(["a/m", "b/m", "c/m"]);
    const [first, second] = resolution.targets;
    for (let count = 0; count < 3; count++) states.of(first!.model!).breaker.fail(now, false);
    states.of(second!.model!).coolUntil = now + 1;
    const result = plan(resolution);
    expect(order(result)).toEqual(["c/m"]);
    expect(result.candidates.map(({ removed_by, reason }) => [removed_by, reason])).toEqual([
      ["health", "open"],
      ["health", "cooling"],
      [undefined, undefined],
    ]);
  });

  test("what is unknown of a model removes nothing", () => {
    const result = setUp().plan(resolutionOf(["a/m"]), {
      needsTools: true,
      needsVision: true,
      needsJsonSchema: true,
      promptTokens: 1e6,
      maxOutputTokens: 1e6,
    });
    expect(order(result)).toEqual(["a/m"]);
  });

  test("what the request does not need is not asked for", () => {
    const model = catalogModel("a/m", { tools: false, vision: false, jsonSchema: false, embeddings: false });
    expect(order(setUp().plan(resolutionOf([resolvedTarget(model)])))).toEqual(["a/m"]);
  });

  test("images and answer schemas are capabilities too", () => {
    const target = resolvedTarget(catalogModel("a/m", { vision: false, jsonSchema: false }));
    expect(setUp().plan(resolutionOf([target]), { needsVision: true }).error?.message).toContain("images");
    expect(setUp().plan(resolutionOf([target]), { needsJsonSchema: true }).error?.message).toContain(
      "schema",
    );
  });

  test("the prompt and the longest answer must fit into the context together", () => {
    const resolution = resolutionOf([resolvedTarget(catalogModel("a/m", { contextLength: 100 }))]);
    expect(order(setUp().plan(resolution, { promptTokens: 60, maxOutputTokens: 40 }))).toEqual(["a/m"]);
    expect(setUp().plan(resolution, { promptTokens: 60, maxOutputTokens: 41 }).error?.code).toBe(
      "context_length_exceeded",
    );
  });

  test("with a price limit, a target of unknown price is left out", () => {
    expect(setUp().plan(resolutionOf(["a/m"], { maxOutputPrice: 5 })).error?.message).toContain(
      "output price is unknown",
    );
  });

  test("a model for chat does not serve embeddings, and the other way round", () => {
    const chat = resolvedTarget(catalogModel("a/chat", { embeddings: false }));
    const embeddings = resolvedTarget(catalogModel("a/embed", { chat: false }));
    expect(order(setUp().plan(resolutionOf([chat, embeddings]), { operation: "embeddings" }))).toEqual([
      "a/embed",
    ]);
    expect(order(setUp().plan(resolutionOf([chat, embeddings]), { operation: "completions" }))).toEqual([
      "a/chat",
    ]);
  });
});

describe("when nothing remains, the error is of the filter that got furthest", () => {
  const expected = {
    unknown: [404, "model_not_found"],
    hint: [400, "no_target_allowed"],
    permission: [403, "model_not_allowed"],
    operation: [400, "unsupported_operation"],
    capability: [400, "unsupported_capability"],
    context_length: [400, "context_length_exceeded"],
    price: [400, "no_target_allowed"],
  } as const;
  for (const [filter, { target, facts }] of Object.entries(removed)) {
    test(filter, () => {
      const { error, candidates } = setUp().plan(resolutionOf([target], { maxInputPrice: 5 }), facts);
      expect([error?.status, error?.code]).toEqual([...expected[filter as keyof typeof expected]]);
      expect(candidates).toHaveLength(1);
    });
  }

  test("all unwell: 503 with the time until the first may be asked again", () => {
    const { states, plan } = setUp();
    const resolution = resolutionOf(["a/m", "b/m", removed.unknown.target]);
    states.of(resolution.targets[0]!.model!).coolUntil = now + 9_000;
    states.of(resolution.targets[1]!.model!).coolUntil = now + 4_000;
    expect(plan(resolution).error).toMatchObject({
      status: 503,
      code: "no_healthy_target",
      retryAfterMs: 4_000,
    });
  });

  test("a key that may use none of the targets does not learn their names", () => {
    const { error } = setUp().plan(resolutionOf(["secret/m"]), { mayUse: () => false });
    expect(error?.message).not.toContain("secret");
  });
});

describe("the strategy", () => {
  test("gets what it may know, and its order is kept with scores and propensities", () => {
    const { states, plan } = setUp();
    const seen: { targets: readonly StrategyTarget[]; request: StrategyRequest }[] = [];
    const resolution = resolutionOf(
      [resolvedTarget(catalogModel("a/m", { inputPrice: 1, outputPrice: 2 }), { weight: 3 }), "b/m"],
      ranking((targets, request) => {
        seen.push({ targets, request });
        return [{ id: "b/m", score: 0.9, propensity: 0.5 }, { id: "a/m", score: -Infinity, propensity: NaN }];
      }),
    );
    states.of(resolution.targets[0]!.model!).outstandingTokens = 77;
    const headers = new Headers({
      authorization: "Bearer secret",
      "x-api-key": "secret",
      cookie: "secret",
      "x-tenant": "acme",
    });
    const result = plan(resolution, { headers, maxOutputTokens: 20, user: "u" });
    expect(order(result)).toEqual(["b/m", "a/m"]);
    expect(result.candidates).toEqual([{ target: "b/m", rank: 1, score: 0.9, propensity: 0.5 }, {
      target: "a/m",
      rank: 2,
    }]);
    expect(seen[0]?.targets[0]).toEqual({
      id: "a/m",
      provider: "a",
      model: "m",
      weight: 3,
      outstandingRequests: 0,
      outstandingTokens: 77,
      inputPrice: 1,
      outputPrice: 2,
    });
    const { request } = seen[0]!;
    expect([request.route, request.promptTokens, request.outputTokens, request.user]).toEqual([
      "smart",
      10,
      20,
      "u",
    ]);
    expect(["authorization", "x-api-key", "cookie", "x-tenant"].map((name) => request.header(name)))
      .toEqual([undefined, undefined, undefined, "acme"]);
    expect(result.plan?.strategyRequest).toBe(request);
  });

  test("targets that it leaves out are not tried, and the record says so", () => {
    const result = setUp().plan(resolutionOf(["a/m", "b/m"], ranking(() => [{ id: "b/m" }])));
    expect(order(result)).toEqual(["b/m"]);
    expect(result.candidates.at(-1)).toMatchObject({ target: "a/m", removed_by: "strategy" });
  });

  test("it may also refuse the only target of its route", () => {
    expect(setUp().plan(resolutionOf(["a/m"], ranking(() => []))).error).toMatchObject({
      status: 503,
      code: "no_target_allowed",
    });
  });

  test("it cannot bring in a target, nor one twice", () => {
    const result = setUp().plan(
      resolutionOf(
        ["a/m", "b/m"],
        ranking(() => [{ id: "evil/m" }, { id: "b/m" }, { id: "b/m" }, { id: "a/m" }]),
      ),
    );
    expect(order(result)).toEqual(["b/m", "a/m"]);
  });

  test("two names of one model are one target", () => {
    const model = catalogModel("a/m");
    const seen: number[] = [];
    const resolution = resolutionOf(
      [resolvedTarget(model, { name: "alias", weight: 3 }), resolvedTarget(model, { weight: 1 })],
      ranking((targets) => {
        seen.push(...targets.map(({ weight }) => weight));
        return targets.map(({ id }) => ({ id }));
      }),
    );
    expect(order(setUp().plan(resolution))).toEqual(["a/m"]);
    expect(seen).toEqual([3]);
  });

  const broken: Record<string, () => unknown> = {
    "throws": () => {
      throw new Error("broken");
    },
    "returns nothing": () => undefined,
    "returns a promise": () => Promise.resolve([{ id: "b/m" }]),
    "returns names instead of entries": () => ["b/m"],
    "returns a list with a hole": () => [{ id: "b/m" }, null],
  };
  for (const [what, rank] of Object.entries(broken)) {
    test(`one that ${what} is reported, and the configured order is used`, () => {
      const { defects, plan } = setUp();
      expect(order(plan(resolutionOf(["a/m", "b/m"], ranking(rank))))).toEqual(["a/m", "b/m"]);
      expect(defects).toHaveLength(1);
    });
  }

  test("is not asked about a model that is named directly", () => {
    const { defects, plan } = setUp();
    expect(order(plan(resolutionOf(["a/m"], { route: undefined, ...ranking(broken.throws!) })))).toEqual([
      "a/m",
    ]);
    expect(defects).toEqual([]);
  });
});

describe("time limits", () => {
  test("a target's own first-token limit wins over the route's", () => {
    const { plan } = setUp().plan(resolutionOf([resolvedTarget("a/m", { firstTokenMs: 5 }), "b/m"]));
    expect(plan?.targets.map(({ firstTokenMs }) => firstTokenMs)).toEqual([5, 1_000]);
  });

  test("a hint lowers the deadline and never raises it", () => {
    const limit = (hint: string, totalMs: number) => {
      const resolution = resolutionOf(["a/m"], {
        timeouts: { firstTokenMs: 1, wholeMs: 0, idleMs: 1, totalMs },
      });
      return setUp().plan(resolution, { headers: new Headers({ "x-intellirouter-timeout-ms": hint }) }).plan
        ?.timeouts.totalMs;
    };
    expect(limit("500", 60_000)).toBe(500);
    expect(limit("90000", 60_000)).toBe(60_000);
    expect(limit("500", 0)).toBe(500);
  });
});

test("where the operator turned hints off, they are ignored, malformed ones too", () => {
  const headers = new Headers({ "x-intellirouter-only": "nothing", "x-intellirouter-timeout-ms": "soon" });
  const result = setUp({ hints: false }).plan(resolutionOf(["a/m"]), { headers });
  expect(order(result)).toEqual(["a/m"]);
  expect(result.plan?.timeouts.totalMs).toBe(60_000);
});

describe("properties", () => {
  const id = fc.constantFrom("a/m", "a/n", "b/m", "c/x/y");
  const price = fc.option(fc.integer({ min: 0, max: 10 }), { nil: undefined });
  const target = fc.record({
    id,
    inputPrice: price,
    outputPrice: price,
    tools: fc.constantFrom(true, false, undefined),
  })
    .map(({ id, ...known }) => resolvedTarget(catalogModel(id, known)));
  const targets = fc.uniqueArray(target, { selector: ({ name }) => name, minLength: 1, maxLength: 4 });
  const entry = fc.constantFrom("a/m", "a", "b/*", "*", "c/x/y", "z", "*/m");
  const headers = fc.record({
    "x-intellirouter-only": entry,
    "x-intellirouter-ignore": entry,
    "x-intellirouter-max-price-input": fc.integer({ min: 0, max: 10 }).map(String),
    "x-intellirouter-max-price-output": fc.integer({ min: 0, max: 10 }).map(String),
    "x-intellirouter-timeout-ms": fc.integer({ min: 1, max: 100_000 }).map(String),
  }, { requiredKeys: [] });

  test("hints only ever narrow", () => {
    fc.assert(fc.property(targets, headers, fc.boolean(), (list, hints, needsTools) => {
      const resolution = resolutionOf(list);
      const without = setUp().plan(resolution, { needsTools });
      const hinted = setUp().plan(resolution, { needsTools, headers: new Headers(hints) });
      const allowed = order(without) ?? [];
      for (const chosen of order(hinted) ?? []) expect(allowed).toContain(chosen);
      if (hinted.plan !== undefined) {
        expect(hinted.plan.timeouts.totalMs).toBeLessThanOrEqual(without.plan!.timeouts.totalMs);
      }
    }));
  });

  test("whatever a strategy says, every target is accounted for once, by a record that keeps its schema", () => {
    const ranked = fc.array(
      fc.record({ id: fc.oneof(id, fc.string()), score: fc.double(), propensity: fc.double() }),
    );
    fc.assert(fc.property(targets, ranked, (list, entries: RankedTarget[]) => {
      const { candidates, plan } = setUp().plan(resolutionOf(list, ranking(() => entries)));
      expect(candidates.map(({ target }) => target).sort()).toEqual(list.map(({ name }) => name).sort());
      for (const candidate of candidates) candidateSchema.parse(candidate);
      const tried = candidates.filter(({ rank }) => rank !== undefined);
      expect(tried.map(({ rank }) => rank)).toEqual(tried.map((_, index) => index + 1));
      expect((plan?.targets ?? []).map(({ model }) => model.id)).toEqual(tried.map(({ target }) => target));
    }));
  });
});

test("the filters of this test are those of the schema", () => {
  expect([...Object.keys(removed), "health", "strategy", "limit", "budget"]).toEqual(filterSchema.options);
});
