import { BackendClient } from "intellirouter/plugin";
import type { CallContext, PluginHost } from "intellirouter/plugin";
import { errorFromAnthropic } from "./errors.ts";
import type { AnthropicOptions } from "./options.ts";

/** What asks Anthropic's API, and where. */
export interface AnthropicClient {
  readonly client: BackendClient;
  readonly messagesUrl: string;
  readonly countTokensUrl: string;
  readonly modelsUrl: string;
}

export function createAnthropicClient(options: AnthropicOptions, host: PluginHost): AnthropicClient {
  const apiKey = host.secret("api_key");
  // Some write the version into the address, as other vendors' clients want it.
  const root = options.base_url.replace(/\/+$/, "").replace(/\/v1$/, "");
  return {
    client: new BackendClient(host, {
      headers: (_request, context: Partial<CallContext>) =>
        encodeHeaders(options, apiKey, context.protocolHeaders),
      secrets: apiKey === undefined ? [] : [apiKey],
      toError: errorFromAnthropic,
    }),
    messagesUrl: `${root}/v1/messages`,
    countTokensUrl: `${root}/v1/messages/count_tokens`,
    modelsUrl: `${root}/v1/models`,
  };
}

/** A client of this very protocol chooses its version and features itself; the operator's features come on top. */
export function encodeHeaders(
  options: Pick<AnthropicOptions, "auth" | "version" | "beta" | "headers">,
  apiKey: string | undefined,
  protocolHeaders: CallContext["protocolHeaders"] = {},
): Record<string, string> {
  const asked = (protocolHeaders["anthropic-beta"] ?? "").split(",").map((name) => name.trim());
  const beta = [...new Set([...asked, ...options.beta])].filter((name) => name !== "");
  const credential: Record<string, string> = options.auth === "bearer"
    ? { authorization: `Bearer ${apiKey}` }
    : { "x-api-key": `${apiKey}` };
  return {
    "content-type": "application/json",
    "anthropic-version": protocolHeaders["anthropic-version"] ?? options.version,
    ...(beta.length === 0 ? {} : { "anthropic-beta": beta.join(",") }),
    ...(apiKey === undefined ? {} : credential),
    ...options.headers,
  };
}
