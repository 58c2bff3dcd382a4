import { BackendClient, type PluginHost } from "intellirouter/plugin";
import { bedrockCredential } from "./credential.ts";
import { errorFromBedrock } from "./errors.ts";
import type { BedrockOptions } from "./options.ts";

/** What asks Bedrock, and where. */
export interface BedrockClient {
  readonly client: BackendClient;
  /** The address of what is done with one model: `converse`, `converse-stream`, `invoke`. */
  modelUrl(model: string, action: string): string;
  /** The address of a list on the control plane. */
  controlUrl(path: string): string;
}

/** @param region where Bedrock is, of the options or of the environment. */
export function createBedrockClient(
  options: BedrockOptions,
  region: string,
  host: PluginHost,
): BedrockClient {
  const domain = region.startsWith("cn-") ? "amazonaws.com.cn" : "amazonaws.com";
  const runtime = trim(options.base_url ?? `https://bedrock-runtime.${region}.${domain}`);
  const control = trim(options.control_url ?? `https://bedrock.${region}.${domain}`);
  const credential = bedrockCredential(options, region, host);
  return {
    client: new BackendClient(host, {
      headers: async (request, context) => ({
        "content-type": "application/json",
        accept: request.url.endsWith("-stream") ? "application/vnd.amazon.eventstream" : "application/json",
        ...await credential.headers(request, context),
        ...options.headers,
      }),
      get secrets() {
        return credential.secrets;
      },
      toError: (...response) => {
        const error = errorFromBedrock(...response);
        if (error.code === "ExpiredTokenException") credential.renew();
        return error;
      },
    }),
    // Ids hold colons, and those of profiles slashes.
    modelUrl: (model, action) => `${runtime}/model/${encodeURIComponent(model)}/${action}`,
    controlUrl: (path) => `${control}${path}`,
  };
}

function trim(url: string): string {
  return url.replace(/\/+$/, "");
}
