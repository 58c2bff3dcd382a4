import { describe, expect, test } from "bun:test";
import { catalogModel, configuredOrder, requestFacts } from "../../test/support/router-fixtures.ts";
import { ApiError } from "../lib/api-error.ts";
import { routeSchema, type RouteSettings, routingSchema } from "../schema/settings.ts";
import { compileCondition } from "./condition.ts";
import type { ModelCatalog, RequestFacts } from "./contracts.ts";
import { type CompiledRoute, Resolver } from "./resolve.ts";

/** Knows the providers `cloud` and `local`, whatever the model, and two names. */
const catalog: ModelCatalog = {
  find(name) {
    if (name === "alias") return catalogModel("cloud/small");
    if (name === "bare") return catalogModel("local/bare");
    return /^(cloud|local)\/./.test(name) ? catalogModel(name) : undefined;
  },
  names: () => ["alias", "bare", "cloud/small"],
};

function route(
  settings: Partial<RouteSettings> & { readonly name: string; readonly targets: RouteSettings["targets"] },
): CompiledRoute {
  return {
    settings: routeSchema.parse(settings),
    condition: settings.when === undefined ? undefined : compileCondition(settings.when),
    strategy: { ...configuredOrder },
  };
}

function resolver(...routes: CompiledRoute[]) {
  const routing = routingSchema.parse({});
  const made = new Resolver({ routes, routing, catalog, directStrategy: configuredOrder });
  return (model: string, facts: Partial<RequestFacts> = {}) =>
    made.resolve(requestFacts({ model, ...facts }), 0);
}

/** Resolves where there is a persona `pirate`. */
function withPersona(model: string | undefined, routes: CompiledRoute[], catalogOf = catalog) {
  const made = new Resolver({
    routes,
    routing: routingSchema.parse({}),
    catalog: catalogOf,
    directStrategy: configuredOrder,
    personas: new Map([["pirate", { model }]]),
  });
  return (name = "persona/pirate") => made.resolve(requestFacts({ model: name }), 0);
}

function refusal(work: () => unknown): ApiError {
  try {
    work();
  } catch (error) {
    if (error instanceof ApiError) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}

const names = (resolution: { readonly targets: readonly { readonly name: string }[] }) =>
  resolution.targets.map(({ name }) => name);

describe("the order in which a name is looked up", () => {
  const resolve = resolver(
    route({ name: "alias", targets: ["local/from-route"], when: "prompt_tokens > 100" }),
    route({ name: "smart", targets: ["cloud/large"], when: "prompt_tokens > 100" }),
    route({ name: "smart", targets: ["local/small"] }),
    route({ name: "*", targets: ["local/any"] }),
  );

  test("the first route of that name whose condition holds", () => {
    expect(names(resolve("smart", { promptTokens: 200 }))).toEqual(["cloud/large"]);
    expect(names(resolve("smart", { promptTokens: 10 }))).toEqual(["local/small"]);
  });

  test("a route before a model, a model before the route for every name", () => {
    expect(names(resolve("alias", { promptTokens: 200 }))).toEqual(["local/from-route"]);
    expect(resolve("alias").targets[0]?.model?.id).toBe("cloud/small");
    expect(resolve("alias").route).toBeUndefined();
    expect(names(resolve("cloud/whatever:1/2"))).toEqual(["cloud/whatever:1/2"]);
    expect(resolve("nobody-knows").route).toBe("*");
  });
});

test("a model that is named directly has the defaults", () => {
  expect(resolver()("bare")).toMatchObject({
    route: undefined,
    strategy: "priority",
    retries: 2,
    timeouts: { firstTokenMs: 120_000, wholeMs: 0, idleMs: 120_000, totalMs: 600_000 },
    targets: [{ name: "bare", weight: 1 }],
  });
});

test("a route's own settings take the place of the defaults, one by one", () => {
  const resolution = resolver(route({
    name: "smart",
    targets: [{ target: "cloud/a", weight: 3, first_token_ms: 5 }, "local/b"],
    strategy: "weighted",
    retries: 0,
    timeouts: { idle_ms: 7 },
    max_price: { output: 2 },
  }))("smart");
  expect(resolution).toMatchObject({
    strategy: "weighted",
    retries: 0,
    timeouts: { firstTokenMs: 120_000, wholeMs: 0, idleMs: 7, totalMs: 600_000 },
    maxInputPrice: undefined,
    maxOutputPrice: 2,
    targets: [{ weight: 3, firstTokenMs: 5 }, { weight: 1, firstTokenMs: undefined }],
  });
});

describe("`provider/*`", () => {
  const resolve = resolver(route({ name: "*", targets: ["cloud/*", "local/*"] }));

  test("hands the asked-for name on", () => {
    expect(names(resolve("org/model:7b"))).toEqual(["cloud/org/model:7b", "local/org/model:7b"]);
  });

  test("does not double a provider's prefix", () => {
    // A known provider's model is found before the route is asked; so the name is one that the catalog does not know.
    const only = resolver(route({ name: "gone/m", targets: ["gone/*", "cloud/*"] }));
    expect(names(only("gone/m"))).toEqual(["gone/m", "cloud/gone/m"]);
  });
});

describe("names that lead nowhere", () => {
  const resolve = resolver(
    route({ name: "smart", targets: ["cloud/a"], when: "request.seed > 3" }),
    route({ name: "night", targets: ["cloud/a"], when: "prompt_tokens > 100" }),
  );

  test("an unknown one is 404 with the one that was meant", () => {
    const error = refusal(() => resolve("smrt"));
    expect(error).toMatchObject({ status: 404, code: "model_not_found", param: "model" });
    expect(error.message).toContain('Did you mean "smart"?');
  });

  test("a route whose condition does not hold says which", () => {
    expect(refusal(() => resolve("night")).message).toContain(
      'the condition of the route "night", prompt_tokens > 100, does not hold',
    );
  });

  test("a persona that is nearly there is named", () => {
    expect(refusal(() => withPersona(undefined, [])("persona/pirat")).message).toContain("persona/pirate");
  });

  test("a route whose condition cannot be told says why", () => {
    expect(refusal(() => resolve("smart")).message).toContain("could not be told (No such key: seed)");
  });

  test("reserved prefixes are not caught by the route for every name", () => {
    const all = resolver(route({ name: "*", targets: ["cloud/*"] }));
    for (const name of ["persona/pirate", "chain/research"]) {
      expect(refusal(() => all(name))).toMatchObject({ status: 404 });
      expect(refusal(() => all(name)).message).toContain(`are those of ${name.split("/")[0]}s`);
    }
  });

  test("control characters and halves of surrogate pairs are refused before anything sees the name", () => {
    const all = resolver(route({ name: "*", targets: ["cloud/*"] }));
    for (const name of ["cloud/a\n", "a\u0000b", "\u007f", "cloud/a\r\nx: y", "cloud/\ud800", "\udc00"]) {
      expect(refusal(() => all(name))).toMatchObject({ status: 400, code: "invalid_model_name" });
    }
    expect(names(all("ünïcödé 🦙"))).toEqual(["cloud/ünïcödé 🦙"]);
  });

  test("names are matched exactly", () => {
    for (const name of ["Smart", " smart", "smart ", "*", ""]) {
      expect(refusal(() => resolve(name)).status).toBe(404);
    }
  });
});

describe("a persona", () => {
  const all = route({ name: "*", targets: ["cloud/*"] });
  const smart = route({ name: "smart", targets: ["cloud/large"], persona: "other" });

  test("is served by its own model or route, whatever persona that has", () => {
    expect(withPersona("local/small", [smart, all])()).toMatchObject({ persona: "pirate", route: undefined });
    expect(names(withPersona("local/small", [smart, all])())).toEqual(["local/small"]);
    expect(withPersona("smart", [smart])()).toMatchObject({ persona: "pirate", route: "smart" });
  });

  test("without one by the first route with a name, or by the first model that can chat", () => {
    expect(withPersona(undefined, [all, smart])()).toMatchObject({ persona: "pirate", route: "smart" });
    const none = withPersona(undefined, [])();
    expect([none.route, none.persona, none.targets.length]).toEqual([undefined, "pirate", 1]);
    const empty = { find: () => undefined, names: () => [] };
    expect(refusal(() => withPersona(undefined, [], empty)()).status).toBe(404);
  });

  test("of a route is that of its requests", () => {
    expect(resolver(smart)("smart").persona).toBe("other");
  });
});
