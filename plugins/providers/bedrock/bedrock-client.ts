import { AwsV4Signer } from "aws4fetch";
import { BackendClient, UpstreamError } from "intellirouter/plugin";
import type { OutgoingRequest, PluginHost } from "intellirouter/plugin";
import { errorFromBedrock } from "./errors.ts";
import { type BedrockOptions, bedrockSecrets } from "./options.ts";

/** What asks Bedrock, and where. */
export interface BedrockClient {
  readonly client: BackendClient;
  /** The address of what is done with one model: `converse`, `converse-stream`, `invoke`. */
  modelUrl(model: string, action: string): string;
  /** The address of a list on the control plane. */
  controlUrl(path: string): string;
}

export function createBedrockClient(options: BedrockOptions, host: PluginHost): BedrockClient {
  const { region } = options;
  const domain = region.startsWith("cn-") ? "amazonaws.com.cn" : "amazonaws.com";
  const runtime = trim(options.base_url ?? `https://bedrock-runtime.${region}.${domain}`);
  const control = trim(options.control_url ?? `https://bedrock.${region}.${domain}`);
  const sign = makeSigner(options, host);
  return {
    client: new BackendClient(host, {
      headers: async (request) => ({
        "content-type": "application/json",
        accept: request.url.endsWith("-stream") ? "application/vnd.amazon.eventstream" : "application/json",
        ...await sign(request),
        ...options.headers,
      }),
      secrets: bedrockSecrets.flatMap((name) => name === "access_key_id" ? [] : host.secret(name) ?? []),
      toError: errorFromBedrock,
    }),
    // Ids hold colons, and those of profiles slashes.
    modelUrl: (model, action) => `${runtime}/model/${encodeURIComponent(model)}/${action}`,
    controlUrl: (path) => `${control}${path}`,
  };
}

/** An API key goes as it is; with access keys every request is signed (AWS Signature Version 4). */
function makeSigner(
  { region }: BedrockOptions,
  host: PluginHost,
): (request: OutgoingRequest) => Promise<Record<string, string>> {
  const apiKey = host.secret("api_key");
  if (apiKey !== undefined) return () => Promise.resolve({ authorization: `Bearer ${apiKey}` });
  const accessKeyId = host.secret("access_key_id");
  const secretAccessKey = host.secret("secret_access_key");
  const sessionToken = host.secret("session_token");
  if (accessKeyId === undefined || secretAccessKey === undefined) {
    const message = "Bedrock needs the secret api_key, or access_key_id and secret_access_key.";
    return () => Promise.reject(new UpstreamError({ kind: "auth", message }));
  }
  // Derived keys hold for a day, so this has few entries.
  const cache = new Map<string, ArrayBuffer>();
  return async ({ method, url, body }) => {
    const signer = new AwsV4Signer({
      method,
      url,
      ...(body === "" ? {} : { body }),
      accessKeyId,
      secretAccessKey,
      ...(sessionToken === undefined ? {} : { sessionToken }),
      service: "bedrock",
      region,
      cache,
      datetime: new Date(host.now()).toISOString().replace(/[:-]|\.\d{3}/g, ""),
    });
    const { headers } = await signer.sign();
    return Object.fromEntries(headers);
  };
}

function trim(url: string): string {
  return url.replace(/\/+$/, "");
}
