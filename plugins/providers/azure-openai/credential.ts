import { type BackendContext, type PluginHost, UpstreamError } from "intellirouter/plugin";
import { CachedToken, type IssuedToken } from "../hub/cached-token.ts";
import type { AzureOpenAiOptions } from "./options.ts";

/** Makes the headers that a resource knows its caller by: a key, a token that was given, or tokens of Entra ID. */
export interface AzureCredential {
  headers(context: BackendContext): Promise<Readonly<Record<string, string>>>;
  /** What must not show in an error message. */
  readonly secrets: readonly string[];
}

export function azureCredential(options: AzureOpenAiOptions, host: PluginHost): AzureCredential {
  const apiKey = host.secret("api_key");
  if (apiKey !== undefined) {
    return { headers: () => Promise.resolve({ "api-key": apiKey }), secrets: [apiKey] };
  }
  const given = host.secret("access_token");
  if (given !== undefined) {
    return { headers: () => Promise.resolve({ authorization: `Bearer ${given}` }), secrets: [given] };
  }
  const tenantId = host.secret("tenant_id");
  const clientId = host.secret("client_id");
  const clientSecret = host.secret("client_secret");
  if (tenantId === undefined || clientId === undefined || clientSecret === undefined) {
    return { headers: () => Promise.resolve({}), secrets: [] };
  }
  const grant = { tenantId, clientId, clientSecret };
  const tokens = new CachedToken(host, (signal) => askForToken(grant, options, host, signal));
  return {
    headers: async ({ signal }) => ({ authorization: `Bearer ${await tokens.get(signal)}` }),
    secrets: [clientSecret],
  };
}

interface Grant {
  readonly tenantId: string;
  readonly clientId: string;
  readonly clientSecret: string;
}

/** The client credentials grant (RFC 6749 §4.4). */
async function askForToken(
  { tenantId, clientId, clientSecret }: Grant,
  { authority_url: authority, scope }: AzureOpenAiOptions,
  host: PluginHost,
  signal: AbortSignal,
): Promise<IssuedToken> {
  const url = `${authority.replace(/\/+$/, "")}/${encodeURIComponent(tenantId)}/oauth2/v2.0/token`;
  const form = new URLSearchParams({
    grant_type: "client_credentials",
    client_id: clientId,
    client_secret: clientSecret,
    scope,
  });
  const response = await host.fetch(url, {
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: form.toString(),
    signal,
  });
  const body = await response.json().catch(() => ({})) as Readonly<Record<string, unknown>>;
  if (!response.ok || typeof body.access_token !== "string") {
    throw new UpstreamError({
      kind: response.status >= 500 ? "unavailable" : "auth",
      status: response.status,
      message: `Entra ID gives no token: ${String(body.error ?? response.status)}`,
    });
  }
  return { token: body.access_token, expiresIn: Number(body.expires_in ?? 0) };
}
