import { errorFromResponse, type PluginHost, UpstreamError } from "intellirouter/plugin";
import { importPKCS8, SignJWT } from "jose";
import { asObject, asText, type Loose } from "../hub/loose.ts";
import type { IssuedToken } from "../hub/cached-token.ts";

/** Asks for a token; the signal gives it up. */
export type AskForToken = (signal: AbortSignal) => Promise<IssuedToken>;

/** Google's words for the kinds of credentials, in their field `type`. */
const askers: Readonly<Record<string, (credentials: Loose, host: PluginHost) => AskForToken>> = {
  service_account: askAsServiceAccount,
  authorized_user: askAsUser,
  impersonated_service_account: askAsImpersonator,
  external_account: askAsWorkload,
};

/**
 * How the holder of these credentials comes by tokens.
 *
 * @throws where they are of no kind that is known.
 */
export function askWith(credentials: Loose, host: PluginHost): AskForToken {
  const type = asText(credentials.type);
  if (!Object.hasOwn(askers, type)) throw new Error(`credentials of type "${type}" are not supported`);
  return askers[type]!(credentials, host);
}

const defaultTokenUrl = "https://oauth2.googleapis.com/token";
const scope = "https://www.googleapis.com/auth/cloud-platform";

/** Seconds for which an assertion, or a token of another's account, is good; Google allows an hour. */
const tokenSeconds = 3_600;

/** The key of a service account signs a statement that is exchanged for a token (RFC 7523). */
function askAsServiceAccount(key: Loose, host: PluginHost): AskForToken {
  const url = tokenUrl(key);
  return async (signal) => {
    const assertion = await signAssertion(key, url, Math.floor(host.now() / 1000));
    const form = { grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer", assertion };
    return await exchange(host, url, form, signal);
  };
}

/** What `gcloud auth application-default login` leaves is good for tokens of the person who logged in. */
function askAsUser(credentials: Loose, host: PluginHost): AskForToken {
  const form = {
    grant_type: "refresh_token",
    refresh_token: asText(credentials.refresh_token),
    client_id: asText(credentials.client_id),
    client_secret: asText(credentials.client_secret),
  };
  return (signal) => exchange(host, tokenUrl(credentials), form, signal);
}

/** Whose credentials these are may act as a service account, as `--impersonate-service-account` sets it up. */
function askAsImpersonator(credentials: Loose, host: PluginHost): AskForToken {
  return asServiceAccount(credentials, askWith(asObject(credentials.source_credentials), host), host);
}

/**
 * Somebody else's word for who a workload is, AWS's, Azure's, a cluster's or any OpenID provider's, is exchanged for a token (RFC 8693),
 * where the credentials say so for one of a service account.
 */
function askAsWorkload(credentials: Loose, host: PluginHost): AskForToken {
  const askAsSelf: AskForToken = async (signal) => {
    // Many kinds of words, and a library that few gateways need.
    const { subjectTokenOf } = await import("./workload.ts");
    const project = asText(credentials.workforce_pool_user_project);
    const form = {
      grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
      audience: asText(credentials.audience),
      scope,
      requested_token_type: "urn:ietf:params:oauth:token-type:access_token",
      subject_token: await subjectTokenOf(credentials, host, signal),
      subject_token_type: asText(credentials.subject_token_type),
      ...(project === "" ? {} : { options: JSON.stringify({ userProject: project }) }),
    };
    return await exchange(host, asText(credentials.token_url), form, signal);
  };
  return credentials.service_account_impersonation_url === undefined
    ? askAsSelf
    : asServiceAccount(credentials, askAsSelf, host);
}

function asServiceAccount(credentials: Loose, askAsSelf: AskForToken, host: PluginHost): AskForToken {
  const url = asText(credentials.service_account_impersonation_url);
  const delegates = Array.isArray(credentials.delegates) ? credentials.delegates : [];
  return async (signal) => {
    const { token } = await askAsSelf(signal);
    const response = await host.fetch(url, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: JSON.stringify({ scope: [scope], delegates, lifetime: `${tokenSeconds}s` }),
      signal,
    });
    return await readToken(response, host, ({ accessToken, expireTime }) => ({
      token: accessToken,
      expiresIn: (Date.parse(asText(expireTime)) - host.now()) / 1000,
    }));
  };
}

function tokenUrl(credentials: Loose): string {
  const url = asText(credentials.token_uri);
  return url.startsWith("https://") ? url : defaultTokenUrl;
}

async function signAssertion(key: Loose, audience: string, now: number): Promise<string> {
  try {
    return await new SignJWT({ scope })
      .setProtectedHeader({ alg: "RS256", typ: "JWT", kid: asText(key.private_key_id) })
      .setIssuer(asText(key.client_email))
      .setAudience(audience)
      .setIssuedAt(now)
      .setExpirationTime(now + tokenSeconds)
      .sign(await importPKCS8(asText(key.private_key), "RS256"));
  } catch {
    // Said without its cause, which may repeat the key.
    throw new UpstreamError({ kind: "auth", message: "The private key in the credentials cannot be used." });
  }
}

async function exchange(
  host: PluginHost,
  url: string,
  form: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<IssuedToken> {
  const response = await host.fetch(url, {
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams(form).toString(),
    signal,
  });
  return await readToken(response, host);
}

/** The token of an answer, where it stands in most of Google's. */
function usual({ access_token: token, expires_in: expiresIn }: Loose) {
  return { token, expiresIn };
}

/** @throws {UpstreamError} of kind `auth` when Google refuses, and of others when something is out of order. */
export async function readToken(
  response: Response,
  host: Pick<PluginHost, "now">,
  find: (answer: Loose) => { readonly token: unknown; readonly expiresIn: unknown } = usual,
): Promise<IssuedToken> {
  const text = await response.text();
  if (response.ok) {
    const { token, expiresIn } = find(asObject(parse(text)));
    if (typeof token === "string" && token !== "") return { token, expiresIn: Number(expiresIn) || 0 };
    throw new UpstreamError({ kind: "bad_response", message: "Google's answer has no access token." });
  }
  const { error, error_description: description } = asObject(parse(text));
  const said = [asText(error) || asText(asObject(error).message), asText(description)]
    .filter((words) => words !== "").join(": ");
  const { kind, retryAfterMs } = errorFromResponse(response.status, response.headers, text, host.now());
  throw new UpstreamError({
    kind: kind === "invalid_request" ? "auth" : kind,
    status: response.status,
    retryAfterMs,
    message: `Google gives no access token: ${said || response.status}`,
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
