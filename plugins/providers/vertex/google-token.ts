import { errorFromResponse, type PluginHost, UpstreamError } from "intellirouter/plugin";
import { importPKCS8, SignJWT } from "jose";
import { asObject, asText, type Loose } from "../hub/loose.ts";
import type { IssuedToken } from "../hub/cached-token.ts";

/** Asks for a token; the signal gives it up. */
export type AskForToken = (signal: AbortSignal) => Promise<IssuedToken>;

const defaultTokenUrl = "https://oauth2.googleapis.com/token";
const scope = "https://www.googleapis.com/auth/cloud-platform";
const metadataUrl =
  "http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/token";

/** Seconds for which an assertion is good; Google allows an hour. */
const assertionSeconds = 3_600;

/** The key of a service account signs a statement that is exchanged for a token (RFC 7523). */
export function askAsServiceAccount(key: Loose, host: PluginHost): AskForToken {
  const url = tokenUrl(key);
  return async (signal) => {
    const assertion = await signAssertion(key, url, Math.floor(host.now() / 1000));
    const form = { grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer", assertion };
    return await exchange(host, url, form, signal);
  };
}

/** What `gcloud auth application-default login` leaves is good for tokens of the person who logged in. */
export function askAsUser(credentials: Loose, host: PluginHost): AskForToken {
  const form = {
    grant_type: "refresh_token",
    refresh_token: asText(credentials.refresh_token),
    client_id: asText(credentials.client_id),
    client_secret: asText(credentials.client_secret),
  };
  return (signal) => exchange(host, tokenUrl(credentials), form, signal);
}

/** The machine's own account, on Google Cloud. */
export function askMetadataServer(host: PluginHost): AskForToken {
  return async (signal) =>
    readToken(
      await host.fetch(metadataUrl, { headers: { "metadata-flavor": "Google" }, signal }),
      host,
    );
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
      .setExpirationTime(now + assertionSeconds)
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

async function readToken(response: Response, host: PluginHost): Promise<IssuedToken> {
  const text = await response.text();
  if (response.ok) {
    const { access_token: token, expires_in: seconds } = asObject(parse(text));
    if (typeof token === "string" && token !== "") return { token, expiresIn: Number(seconds) || 0 };
    throw new UpstreamError({ kind: "bad_response", message: "Google's answer has no access token." });
  }
  const { error, error_description: description } = asObject(parse(text));
  const said = [asText(error), asText(description)].filter((words) => words !== "").join(": ");
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
