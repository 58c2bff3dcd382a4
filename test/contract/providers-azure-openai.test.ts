import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Provider } from "intellirouter/plugin";
import { testProvider } from "intellirouter/plugin/testing";
import azureOpenAi from "../../plugins/providers/azure-openai/index.ts";
import { createEgress } from "../../src/plugin/host/egress.ts";
import { testHost } from "../support/test-host.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";

let upstream: Upstream;
beforeAll(async () => {
  upstream = await startUpstream();
});
afterAll(() => upstream.close());

const egress = createEgress();
const host = testHost({
  secret: (name) => name === "api_key" ? "sk-contract-key" : undefined,
  fetch: (url, init) => egress(url.replace("/openai/v1/", "/v1/"), init),
});
const make = (base_url: string) =>
  azureOpenAi.create(azureOpenAi.options.parse({ base_url }), host) as Promise<Provider>;

testProvider({ describe, test, expect }, {
  make: () => make(`http://127.0.0.1:${upstream.port}`),
  chatModel: "normal",
  embeddingModel: "embedder",
  makeFailing: () => make("http://127.0.0.1:9"),
});
