/** What a translation loses is told, and can be forbidden. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { startClaude } from "../support/thinking-backends.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";
import { type Gateway, startGateway } from "./support/gateway.ts";

const claude = startClaude();
let upstream: Upstream;
let gateway: Gateway;

beforeAll(async () => {
  upstream = await startUpstream();
  gateway = await startGateway({
    config: `
[[providers]]
name = "claude"
kind = "anthropic"
base_url = "${claude.origin}"
api_key = "backend-key"
list_models = false
[[providers]]
name = "open"
kind = "openai-compatible"
base_url = "${upstream.url}"
list_models = false
[[routes]]
name = "lenient"
targets = ["claude/claude-sonnet-4-5", "open/m"]
[[routes]]
name = "strict"
on_loss = "reject"
targets = ["claude/claude-sonnet-4-5", "open/m"]
[[routes]]
name = "strict-claude"
on_loss = "reject"
targets = ["claude/claude-sonnet-4-5"]
`,
  });
});
afterAll(async () => {
  await gateway.stop();
  claude.stop();
  await upstream.close();
});

const ask = (model: string, more: object = {}) =>
  fetch(`${gateway.origin}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-intellirouter-fidelity": "report" },
    body: JSON.stringify({ model, messages: [{ role: "user", content: "Hello" }], ...more }),
  });
const recordOf = async (response: Response) =>
  await (await fetch(
    `${gateway.origin}/admin/v1/decisions/${response.headers.get("x-intellirouter-decision")}`,
  )).json();

test("losses stand in the header that was asked for and in the decision record", async () => {
  for (const stream of [false, true]) {
    const response = await ask("lenient", { seed: 7, logit_bias: { "1": 1 }, stream });
    expect(response.headers.get("x-intellirouter-target")).toBe("claude/claude-sonnet-4-5");
    expect(response.headers.get("x-intellirouter-losses")).toBe("dropped seed, dropped logit_bias");
    await response.text();
    const { losses } = await recordOf(response);
    expect(losses).toContainEqual({
      target: "claude/claude-sonnet-4-5",
      field: "seed",
      effect: "dropped",
      detail: expect.any(String),
    });
  }
});

test("nothing lost is told, too", async () => {
  expect((await ask("lenient")).headers.get("x-intellirouter-losses")).toBe("none");
});

test("where losses are forbidden, a target that can carry everything serves", async () => {
  const response = await ask("strict", { seed: 7 });
  expect(response.status).toBe(200);
  expect(response.headers.get("x-intellirouter-target")).toBe("open/m");
  expect(response.headers.get("x-intellirouter-losses")).toBe("none");
  expect((await recordOf(response)).attempts[0]).toMatchObject({
    target: "claude/claude-sonnet-4-5",
    error: "unsupported",
  });
  expect((await ask("strict")).headers.get("x-intellirouter-target")).toBe("claude/claude-sonnet-4-5");
});

test("and when there is none the request is refused by the name of the field", async () => {
  const response = await ask("strict-claude", { seed: 7 });
  expect(response.status).toBe(400);
  expect((await response.json()).error).toMatchObject({
    code: "lossy_translation",
    param: "seed",
    type: "invalid_request_error",
  });
});

test("capabilities say it before a request does", async () => {
  const { data } = await (await fetch(`${gateway.origin}/v1/capabilities`)).json();
  const strict = data.find(({ id }: { id: string }) => id === "strict");
  expect(strict.targets.map(({ target }: { target: string }) => target)).toEqual([
    "claude/claude-sonnet-4-5",
    "open/m",
  ]);
  expect(strict.targets[0]).toMatchObject({
    endpoints: { "/chat/completions": "native", "/messages": "native", "/responses": "translated" },
    features: { seed: "dropped", tools: "full" },
  });
  expect(strict.targets[1].features.seed).toBe("full");
});
