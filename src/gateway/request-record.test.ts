import { expect, test } from "bun:test";
import { UpstreamError } from "intellirouter/plugin";
import { principal } from "../../test/support/account-fixtures.ts";
import { sayingProvider, testGateway } from "../../test/support/gateway-fixtures.ts";
import { configuredOrder } from "../../test/support/router-fixtures.ts";
import { modelSchema, routeSchema } from "../schema/settings.ts";
import { complete } from "./complete.ts";
import { chatOperation } from "./operations/chat.ts";

const price = { input: 10, output: 20 };
const models = ["bad/m", "good/m"].map((id) => modelSchema.parse({ id, price }));
const routes = [{
  settings: routeSchema.parse({ name: "both", targets: ["bad/m", "good/m"], retries: 0 }),
  condition: undefined,
  strategy: { ...configuredOrder },
}];

/** Asks a route whose first target fails in one way. */
async function askAfter(error: UpstreamError, second = true) {
  const good = sayingProvider("Hello");
  const bad = sayingProvider("");
  bad.chat!.complete = () => Promise.reject(error);
  const { services, decisions } = await testGateway({ providers: { bad, good }, models, routes });
  await complete(services, {
    operation: chatOperation,
    body: { model: second ? "both" : "bad/m", messages: [{ role: "user", content: "x".repeat(400) }] },
    headers: new Headers(),
    protocolHeaders: {},
    principal: principal(),
    hops: 1,
    requestId: "req_1",
    decisionId: "dec_1",
    signal: new AbortController().signal,
    arrivedAt: performance.now(),
  }).catch(() => {});
  return decisions[0]!;
}

const served = (7 * 10 + 3 * 20) / 1e6;

test("a failed attempt whose backend had the prompt costs the prompt", async () => {
  for (const kind of ["timeout", "bad_response"] as const) {
    const { attempts, cost_usd, usage } = await askAfter(new UpstreamError({ kind, message: "no" }));
    const tokens = attempts[0]!.prompt_tokens!;
    expect(tokens).toBeGreaterThan(100);
    expect(attempts[0]!.cost_usd).toBeCloseTo(tokens * 10 / 1e6, 9);
    expect(cost_usd).toBeCloseTo(served + tokens * 10 / 1e6, 9);
    // What the client was answered with is told as it was.
    expect(usage?.prompt_tokens).toBe(7);
  }
});

test("a failed attempt that a backend has refused costs nothing", async () => {
  for (
    const error of [
      new UpstreamError({ kind: "rate_limited", message: "no", status: 429 }),
      new UpstreamError({ kind: "unavailable", message: "no" }),
      new UpstreamError({ kind: "bad_response", message: "no", status: 404 }),
    ]
  ) {
    const { attempts, cost_usd } = await askAfter(error);
    expect(attempts[0]!.cost_usd).toBeUndefined();
    expect(cost_usd).toBeCloseTo(served, 9);
  }
});

test("a request that nobody has answered costs what its attempts did", async () => {
  const decision = await askAfter(new UpstreamError({ kind: "timeout", message: "no" }), false);
  expect(decision).toMatchObject({ outcome: "error" });
  expect(decision.target).toBeUndefined();
  expect(decision.attempts.length).toBeGreaterThan(0);
  expect(decision.cost_usd).toBeCloseTo(
    decision.attempts.reduce((sum, { cost_usd = 0 }) => sum + cost_usd, 0),
    9,
  );
});
