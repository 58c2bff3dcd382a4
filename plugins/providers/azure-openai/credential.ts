import { type BackendContext, type PluginHost, UpstreamError } from "intellirouter/plugin";
import type { AzureOpenAiOptions } from "./options.ts";

/** A token is replaced this long before it ends, in milliseconds. */
const earlyMs = 5 * 60_000;

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
  const tokens = new ClientCredentials(options, host, tenantId, clientId, clientSecret);
  return {
    headers: async (context) => ({ authorization: `Bearer ${await tokens.get(context)}` }),
    secrets: [clientSecret],
  };
}

/**
 * The client credentials grant (RFC 6749 §4.4). One token serves all requests until shortly before it ends, and many requests at
 * once ask for it once.
 */
class ClientCredentials {
  readonly #host: PluginHost;
  readonly #url: string;
  readonly #form: string;
  #token = "";
  #until = 0;
  #asking: Promise<string> | undefined;

  constructor(
    { authority_url: authority, scope }: AzureOpenAiOptions,
    host: PluginHost,
    tenantId: string,
    clientId: string,
    clientSecret: string,
  ) {
    this.#host = host;
    this.#url = `${authority.replace(/\/+$/, "")}/${encodeURIComponent(tenantId)}/oauth2/v2.0/token`;
    this.#form = new URLSearchParams({
      grant_type: "client_credentials",
      client_id: clientId,
      client_secret: clientSecret,
      scope,
    }).toString();
  }

  async get(context: BackendContext): Promise<string> {
    if (this.#host.now() < this.#until) return this.#token;
    // Not with one request's signal: others wait for the same token.
    this.#asking ??= this.#ask().finally(() => (this.#asking = undefined));
    const left = Promise.withResolvers<never>();
    const leave = () => left.reject(context.signal.reason);
    context.signal.throwIfAborted();
    context.signal.addEventListener("abort", leave, { once: true });
    try {
      return await Promise.race([this.#asking, left.promise]);
    } finally {
      context.signal.removeEventListener("abort", leave);
    }
  }

  async #ask(): Promise<string> {
    const response = await this.#host.fetch(this.#url, {
      method: "POST",
      headers: { "content-type": "application/x-www-form-urlencoded" },
      body: this.#form,
    });
    const body = await response.json().catch(() => ({})) as Readonly<Record<string, unknown>>;
    if (!response.ok || typeof body.access_token !== "string") {
      throw new UpstreamError({
        kind: response.status >= 500 ? "unavailable" : "auth",
        status: response.status,
        message: `Entra ID gives no token: ${String(body.error ?? response.status)}`,
      });
    }
    this.#token = body.access_token;
    this.#until = this.#host.now() + Number(body.expires_in ?? 0) * 1000 - earlyMs;
    return this.#token;
  }
}
