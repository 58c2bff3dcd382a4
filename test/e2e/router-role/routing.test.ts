import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { completion, errorBody, sendJson, startUpstream, type Upstream } from "../../support/upstream.ts";
import { executable, type Gateway, startGateway, until } from "../support/gateway.ts";

let edge: Upstream;
let cloud: Upstream;
const started: Gateway[] = [];

beforeAll(async () => {
  edge = await startUpstream();
  cloud = await startUpstream();
});

afterEach(async () => {
  for (const gateway of started.splice(0)) await gateway.stop();
});

afterAll(async () => {
  await edge.close();
  await cloud.close();
});

/** A router, and nothing but a router. */
async function router(rest: string): Promise<Gateway> {
  const gateway = await startGateway({ role: "router", config: `${providers()}\n${rest}` });
  started.push(gateway);
  return gateway;
}

function providers(): string {
  return `
[[providers]]
name = "edge"
kind = "openai-compatible"
base_url = "${edge.url}"
list_models = false
[[providers]]
name = "cloud"
kind = "openai-compatible"
base_url = "${cloud.url}"
list_models = false
`;
}

interface Asked {
  readonly status: number;
  readonly target: string | null;
  readonly headers: Headers;
  readonly error: { readonly code: string; readonly message: string } | undefined;
  // deno-lint-ignore no-explicit-any -- the record is looked into by field.
  readonly decision: any;
}

async function ask(
  gateway: Gateway,
  model: string,
  options: { body?: object; headers?: Record<string, string> } = {},
): Promise<Asked> {
  const response = await fetch(`${gateway.origin}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", ...options.headers },
    body: JSON.stringify({ model, messages: [{ role: "user", content: "Hi" }], ...options.body }),
  });
  const text = await response.text();
  const id = response.headers.get("x-intellirouter-decision");
  const decision = await (await fetch(`${gateway.origin}/admin/v1/decisions/${id}`)).json();
  return {
    status: response.status,
    target: response.headers.get("x-intellirouter-target"),
    headers: response.headers,
    error: response.ok ? undefined : JSON.parse(text).error,
    decision,
  };
}

describe("fallback", () => {
  for (
    const model of [
      "error-500",
      "error-503",
      "error-429",
      "error-401",
      "error-404",
      "reset",
      "html",
      "html-200",
      "error-first",
      "empty",
    ]
  ) {
    const stream = model === "error-first" || model === "empty";
    test(`${model}${stream ? ", streamed" : ""} on the first target is answered by the second`, async () => {
      const gateway = await router(`
[[routes]]
name = "smart"
targets = ["edge/${model}", "cloud/normal"]
[routing]
backoff_base_ms = 1
`);
      const answer = await ask(gateway, "smart", { body: { stream } });
      expect([answer.status, answer.target]).toEqual([200, "cloud/normal"]);
      expect(answer.decision.attempts.at(0)).toMatchObject({ target: `edge/${model}`, outcome: "error" });
      expect(answer.decision.attempts.at(-1)).toMatchObject({ target: "cloud/normal", outcome: "ok" });
    });
  }

  test("the client's own fault is not tried elsewhere", async () => {
    const gateway = await router(
      `[[routes]]\nname = "smart"\ntargets = ["edge/error-400", "cloud/normal"]\n`,
    );
    const answer = await ask(gateway, "smart");
    expect([answer.status, answer.error?.code]).toEqual([400, "invalid_value"]);
    expect(answer.decision.attempts).toHaveLength(1);
  });

  test("a target that does not begin in time is left for the next", async () => {
    const gateway = await router(`
[[routes]]
name = "smart"
targets = [{ target = "edge/hang", first_token_ms = 100 }, "cloud/normal"]
`);
    const answer = await ask(gateway, "smart", { body: { stream: true } });
    expect(answer.target).toBe("cloud/normal");
    expect(answer.decision.attempts[0]).toMatchObject({ outcome: "error", error: "timeout" });
    expect(edge.calls.findLast(({ body }) => body.model === "hang")!.wasAborted()).toBe(true);
  });

  test("when nobody answers the client is told once, and told not to try again", async () => {
    const gateway = await router(`
[[routes]]
name = "smart"
targets = ["edge/error-500", "cloud/error-503"]
retries = 1
[routing]
backoff_base_ms = 1
`);
    const answer = await ask(gateway, "smart");
    expect(answer.status).toBe(503);
    expect(answer.headers.get("x-should-retry")).toBe("false");
    expect(answer.decision.attempts.map(({ target }: { target: string }) => target))
      .toEqual(["edge/error-500", "edge/error-500", "cloud/error-503", "cloud/error-503"]);
  });

  test("the deadline of a request ends it, whatever is still to be tried", async () => {
    const gateway = await router(
      `[[routes]]\nname = "smart"\ntargets = ["edge/hang"]\n[routes.timeouts]\ntotal_ms = 150\n`,
    );
    const answer = await ask(gateway, "smart");
    expect([answer.status, answer.error?.code]).toEqual([504, "upstream_timeout"]);
  });
});

describe("retries", () => {
  test("a target that fails once is tried again", async () => {
    let calls = 0;
    edge.on("flaky", ({ body }, response) => {
      if (++calls === 1) return sendJson(response, 500, errorBody("Once."));
      sendJson(response, 200, completion(body.model));
    });
    const gateway = await router("[routing]\nbackoff_base_ms = 1\n");
    const answer = await ask(gateway, "edge/flaky");
    expect([answer.status, calls]).toEqual([200, 2]);
  });

  test("retries stay within the budget when a backend is down for everybody", async () => {
    const gateway = await router(`
[routing]
retries = 5
backoff_base_ms = 1
retry_budget = 0.2
retry_budget_min = 3
[routing.breaker]
failures = 1000
`);
    const before = edge.calls.length;
    for (let index = 0; index < 50; index++) await ask(gateway, "edge/error-500");
    const calls = edge.calls.length - before;
    expect(calls).toBeGreaterThanOrEqual(53);
    expect(calls).toBeLessThanOrEqual(60);
  });
});

test("a circuit opens after failures in a row, lets one probe through, and closes when it succeeds", async () => {
  let healthy = false;
  edge.on(
    "patient",
    ({ body }, response) =>
      healthy ? sendJson(response, 200, completion(body.model)) : sendJson(response, 500, errorBody("Ill.")),
  );
  const gateway = await router(`
[[models]]
id = "ill"
target = "edge/patient"
[[routes]]
name = "smart"
targets = ["edge/patient", "cloud/normal"]
retries = 0
[routing.breaker]
failures = 3
open_ms = 300
`);
  for (let index = 0; index < 3; index++) {
    expect((await ask(gateway, "smart")).decision.attempts).toHaveLength(2);
  }
  const skipped = await ask(gateway, "smart");
  expect(skipped.decision.attempts).toHaveLength(1);
  expect(skipped.decision.candidates).toContainEqual(
    expect.objectContaining({ target: "edge/patient", removed_by: "health" }),
  );
  const direct = await ask(gateway, "edge/patient");
  expect([direct.status, direct.error?.code]).toEqual([503, "no_healthy_target"]);
  expect(Number(direct.headers.get("retry-after-ms"))).toBeGreaterThan(0);
  const listed = await (await fetch(`${gateway.origin}/v1/models`)).json() as {
    data: Record<string, unknown>[];
  };
  const patient = listed.data.find(({ id }) => id === "ill");
  expect(patient?.health).toMatchObject({ state: "open", retry_after_ms: expect.any(Number) });
  healthy = true;
  await until(async () => (await ask(gateway, "smart")).target === "edge/patient", "the closed circuit");
});

test("a refused credential keeps the provider out, also for its other models, and looks to the client like the operator's matter", async () => {
  const gateway = await router(`[[routes]]\nname = "smart"\ntargets = ["edge/normal", "cloud/normal"]\n`);
  const refused = await ask(gateway, "edge/error-401");
  expect([refused.status, refused.error?.code]).toEqual([502, "upstream_auth"]);
  expect((await ask(gateway, "smart")).target).toBe("cloud/normal");
});

describe("routes", () => {
  test("a condition decides, and the first route of a name that holds serves", async () => {
    const gateway = await router(`
[[routes]]
name = "smart"
when = "size(request.messages) < 2 && !stream"
targets = ["edge/normal"]
[[routes]]
name = "smart"
when = 'headers["x-tier"] == "gold" || "get_weather" in tools'
targets = ["cloud/normal"]
`);
    const two = [{ role: "user", content: "a" }, { role: "user", content: "b" }];
    expect((await ask(gateway, "smart")).target).toBe("edge/normal");
    expect((await ask(gateway, "smart", { body: { messages: two }, headers: { "x-tier": "gold" } })).target)
      .toBe("cloud/normal");
    const tools = [{ type: "function", function: { name: "get_weather", parameters: {} } }];
    expect(
      (await ask(gateway, "smart", { body: { stream: true, tools }, headers: { "x-tier": "tin" } })).target,
    ).toBe("cloud/normal");
    const none = await ask(gateway, "smart", { body: { messages: two }, headers: { "x-tier": "tin" } });
    expect([none.status, none.error?.code]).toEqual([404, "model_not_found"]);
    expect(none.error?.message).toContain("size(request.messages) < 2");
  });

  test("the route * serves every other name and hands it on", async () => {
    const gateway = await router(`[[routes]]\nname = "*"\ntargets = ["cloud/*"]\n`);
    expect((await ask(gateway, "gpt-4o-mini")).target).toBe("cloud/gpt-4o-mini");
    expect(cloud.calls.at(-1)!.body.model).toBe("gpt-4o-mini");
    expect((await ask(gateway, "edge/normal")).target).toBe("edge/normal");
  });

  test("weights share the requests", async () => {
    const gateway = await router(`
[[routes]]
name = "shared"
strategy = "round-robin"
targets = [{ target = "edge/normal", weight = 3 }, { target = "cloud/normal", weight = 1 }]
`);
    const targets = [];
    for (let index = 0; index < 8; index++) targets.push((await ask(gateway, "shared")).target);
    expect(targets.filter((target) => target === "edge/normal")).toHaveLength(6);
  });

  for (
    const strategy of [
      "priority",
      "weighted",
      "round-robin",
      "least-busy",
      "latency",
      "cheapest",
      "sticky",
      "prefix-tokens",
    ]
  ) {
    test(`the strategy ${strategy} serves`, async () => {
      const gateway = await router(
        `[[routes]]\nname = "x"\nstrategy = "${strategy}"\ntargets = ["edge/normal", "cloud/normal"]\n`,
      );
      const answer = await ask(gateway, "x");
      expect(answer.status).toBe(200);
      expect(answer.decision).toMatchObject({ strategy, route: "x" });
      expect(answer.decision.candidates.map(({ rank }: { rank: number }) => rank)).toEqual([1, 2]);
    });
  }

  test("capabilities, context and prices are hard filters", async () => {
    const gateway = await router(`
[[models]]
id = "edge/normal"
capabilities = { tools = false, context_length = 100 }
price = { input = 1.0, output = 2.0 }
[[models]]
id = "cloud/normal"
price = { input = 10.0, output = 20.0 }
[[routes]]
name = "smart"
strategy = "cheapest"
targets = ["cloud/normal", "edge/normal"]
[[routes]]
name = "thrifty"
targets = ["cloud/normal", "edge/normal"]
max_price = { input = 5.0 }
`);
    const cheap = await ask(gateway, "smart");
    expect(cheap.target).toBe("edge/normal");
    expect(cheap.decision.cost_usd).toBeCloseTo((9 * 1 + 5 * 2) / 1e6, 12);
    expect((await ask(gateway, "thrifty")).target).toBe("edge/normal");
    const tools = [{ type: "function", function: { name: "f", parameters: {} } }];
    expect((await ask(gateway, "smart", { body: { tools } })).target).toBe("cloud/normal");
    const long = { messages: [{ role: "user", content: "word ".repeat(500) }] };
    expect((await ask(gateway, "smart", { body: long })).target).toBe("cloud/normal");
    const tooLong = await ask(gateway, "edge/normal", { body: long });
    expect([tooLong.status, tooLong.error?.code]).toEqual([400, "context_length_exceeded"]);
  });
});

describe("hints of a request", () => {
  const route = `[[routes]]\nname = "smart"\ntargets = ["edge/normal", "cloud/normal"]\n`;

  test("narrow the choice and cannot widen it", async () => {
    const gateway = await router(route);
    expect((await ask(gateway, "smart", { headers: { "x-intellirouter-ignore": "edge" } })).target).toBe(
      "cloud/normal",
    );
    expect((await ask(gateway, "smart", { headers: { "x-intellirouter-only": "cloud/normal" } })).target)
      .toBe("cloud/normal");
    const none = await ask(gateway, "smart", { headers: { "x-intellirouter-only": "elsewhere/model" } });
    expect([none.status, none.error?.code]).toEqual([400, "no_target_allowed"]);
    const wrong = await ask(gateway, "smart", { headers: { "x-intellirouter-max-price-input": "cheap" } });
    expect([wrong.status, wrong.error?.message]).toEqual([
      400,
      expect.stringContaining("x-intellirouter-max-price-input"),
    ]);
  });

  test("are ignored where the operator switches them off", async () => {
    const gateway = await router(`${route}[routing]\nhints = false\n`);
    expect((await ask(gateway, "smart", { headers: { "x-intellirouter-ignore": "edge" } })).target).toBe(
      "edge/normal",
    );
  });
});

test("explain tells the same order without calling anybody", async () => {
  const gateway = await router(`[[routes]]\nname = "smart"\ntargets = ["edge/normal", "cloud/normal"]\n`);
  const asked = await ask(gateway, "smart");
  const before = edge.calls.length + cloud.calls.length;
  const result = Bun.spawnSync([
    executable,
    "explain",
    "--model",
    "smart",
    "--json",
    "--config",
    `${gateway.directory}/gateway.toml`,
  ], { cwd: gateway.directory });
  const explained = JSON.parse(result.stdout.toString());
  expect(explained.candidates).toEqual(asked.decision.candidates);
  expect(explained.policy).toBe(asked.decision.policy);
  expect(edge.calls.length + cloud.calls.length).toBe(before);
});
