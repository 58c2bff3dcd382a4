/** The compiled gateway with a backend behind it that does as the model's name says. */
import { startUpstream, type Upstream } from "../../support/upstream.ts";
import { type Gateway, startGateway, until } from "../../e2e/support/gateway.ts";
import { callsOf, installScenarios } from "./scenarios.ts";

export interface World {
  readonly upstream: Upstream;
  readonly gateway: Gateway;
  /** A key that the gateway takes. */
  readonly key: string;
  /** Until the backend has been asked for this model. */
  untilCalled(model: string): Promise<void>;
  stop(): Promise<void>;
}

const key = "client-key-0123456789abcdef";

/** Every target has a gateway's whole patience: what one check makes of a target must not reach another. */
const routing = `
[routing]
retries = 0
backoff_base_ms = 1
[routing.breaker]
failures = 1000
`;

export async function startWorld(): Promise<World> {
  const upstream = await startUpstream();
  installScenarios(upstream);
  const gateway = await startGateway({
    config: `
[[providers]]
name = "cloud"
kind = "openai-compatible"
base_url = "${upstream.url}"
api_key = "sk-upstream-secret-0001"
[[providers]]
name = "native"
kind = "anthropic"
base_url = "${upstream.url.replace(/\/v1$/, "")}"
api_key = "sk-upstream-secret-0002"
models = ["claude"]
[[routes]]
name = "stubborn"
retries = 1
targets = ["cloud/overloaded"]
${routing}`,
    env: { INTELLIROUTER_API_KEYS: key },
  });
  return {
    upstream,
    gateway,
    key,
    untilCalled: (model) => until(() => callsOf(upstream, model).length > 0, `a call of ${model}`),
    async stop() {
      await gateway.stop();
      await upstream.close();
    },
  };
}
