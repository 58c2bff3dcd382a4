import { type BackendContext, type PluginHost, UpstreamError } from "intellirouter/plugin";
import { CachedToken } from "../hub/cached-token.ts";
import { asText, isObject, type Loose } from "../hub/loose.ts";
import { askAsServiceAccount, askAsUser, type AskForToken, askMetadataServer } from "./google-token.ts";
import type { VertexOptions } from "./options.ts";

/** What Vertex AI knows its caller by. */
export interface VertexCredential {
  headers(context: BackendContext): Promise<Readonly<Record<string, string>>>;
  /** The project that the credentials belong to, where they say. */
  readonly project: string | undefined;
  /** Models are asked for in a project; a key of the API stands for one. */
  readonly needsProject: boolean;
  /** What must not show in an error message. */
  readonly secrets: readonly string[];
}

/**
 * A given token, a key of the API, the key of a service account, what a person's login left, or the machine's own account.
 *
 * @throws where the credentials are of no kind that is known: the gateway says so when it starts.
 */
export function vertexCredential({ auth }: VertexOptions, host: PluginHost): VertexCredential {
  if (auth === "metadata") return fromTokens(askMetadataServer(host), {}, host);
  const token = host.secret("access_token");
  if (token !== undefined) return fixed({ authorization: `Bearer ${token}` }, token, true);
  const key = host.secret("api_key");
  if (key !== undefined) return fixed({ "x-goog-api-key": key }, key, false);
  const text = host.secret("credentials");
  if (text === undefined) {
    return { headers: noCredentials, project: undefined, needsProject: false, secrets: [] };
  }
  const credentials = parseCredentials(text);
  switch (credentials.type) {
    case "service_account":
      return fromTokens(askAsServiceAccount(credentials, host), credentials, host);
    case "authorized_user":
      return fromTokens(askAsUser(credentials, host), credentials, host);
    default:
      throw new Error(`credentials of type "${asText(credentials.type)}" are not supported`);
  }
}

function fixed(
  headers: Readonly<Record<string, string>>,
  secret: string,
  needsProject: boolean,
): VertexCredential {
  return { headers: () => Promise.resolve(headers), project: undefined, needsProject, secrets: [secret] };
}

function noCredentials(): Promise<never> {
  const message = "Vertex AI needs credentials, an access token or an API key.";
  return Promise.reject(new UpstreamError({ kind: "auth", message }));
}

function fromTokens(ask: AskForToken, credentials: Loose, host: PluginHost): VertexCredential {
  const tokens = new CachedToken(host, ask);
  const payer = asText(credentials.quota_project_id);
  return {
    headers: async ({ signal }) => ({
      authorization: `Bearer ${await tokens.get(signal)}`,
      ...(payer === "" ? {} : { "x-goog-user-project": payer }),
    }),
    project: asText(credentials.project_id) || payer || undefined,
    needsProject: true,
    secrets: [credentials.private_key, credentials.client_secret, credentials.refresh_token].map(asText)
      .filter((secret) => secret !== ""),
  };
}

function parseCredentials(text: string): Loose {
  try {
    const value: unknown = JSON.parse(text);
    if (isObject(value)) return value;
  } catch {
    // Said below, without the text.
  }
  throw new Error("the secret credentials is no JSON object: it must be the text of the file, not its name");
}
