import { AwsV4Signer } from "aws4fetch";
import type { BackendContext, OutgoingRequest, PluginHost } from "intellirouter/plugin";
import { CachedToken } from "../hub/cached-token.ts";
import type { AwsCredentials } from "./aws-credentials.ts";
import type { BedrockOptions } from "./options.ts";

/** What Bedrock knows its caller by. */
export interface BedrockCredential {
  headers(request: OutgoingRequest, context: BackendContext): Promise<Readonly<Record<string, string>>>;
  /** What must not show in an error message. */
  readonly secrets: readonly string[];
  /** To be called when AWS says that the keys are over before their time. */
  renew(): void;
}

/** Keys without an end are read again after this many seconds: tools write new ones into the shared files. */
const rereadSeconds = 15 * 60;

/**
 * An API key, keys that the configuration gives, or what is found where AWS's own tools look. Only the last needs AWS's library, which is
 * then loaded with the first request.
 */
export function bedrockCredential(
  options: BedrockOptions,
  region: string,
  host: PluginHost,
): BedrockCredential {
  const apiKey = host.secret("api_key");
  if (apiKey !== undefined) return bearer(apiKey);
  const accessKeyId = host.secret("access_key_id");
  const secretAccessKey = host.secret("secret_access_key");
  const sign = makeSigner(region, host);
  if (accessKeyId !== undefined && secretAccessKey !== undefined) {
    const sessionToken = host.secret("session_token");
    return {
      headers: (request) => sign(request, { accessKeyId, secretAccessKey, sessionToken }),
      secrets: [secretAccessKey, ...(sessionToken === undefined ? [] : [sessionToken])],
      renew: () => {},
    };
  }
  return found(options.profile, region, sign, host);
}

function bearer(key: string): BedrockCredential {
  return {
    headers: () => Promise.resolve({ authorization: `Bearer ${key}` }),
    secrets: [key],
    renew: () => {},
  };
}

type Sign = (request: OutgoingRequest, keys: AwsCredentials) => Promise<Readonly<Record<string, string>>>;

function found(profile: string | undefined, region: string, sign: Sign, host: PluginHost): BedrockCredential {
  let current: BedrockCredential["secrets"] = [];
  const cached = new CachedToken(host, async () => {
    const { findAwsAccess } = await import("./aws-credentials.ts");
    const access = await findAwsAccess({ profile, region, host });
    current = "bearer" in access
      ? [access.bearer]
      : [access.secretAccessKey, ...(access.sessionToken === undefined ? [] : [access.sessionToken])];
    const ends = "bearer" in access ? undefined : access.expiration;
    const expiresIn = ends === undefined ? rereadSeconds : (ends.getTime() - host.now()) / 1000;
    return { token: access, expiresIn };
  });
  return {
    headers: async (request, { signal }) => {
      const access = await cached.get(signal);
      return "bearer" in access ? { authorization: `Bearer ${access.bearer}` } : await sign(request, access);
    },
    get secrets() {
      return current;
    },
    renew: () => cached.drop(),
  };
}

/** Keys of roles change every hour. */
const mostDerivedKeys = 50;

/** AWS Signature Version 4. */
function makeSigner(region: string, host: PluginHost): Sign {
  const cache = new Map<string, ArrayBuffer>();
  return async ({ method, url, body }, { accessKeyId, secretAccessKey, sessionToken }) => {
    // A derived key holds for a day, and there is one for each key and day.
    if (cache.size > mostDerivedKeys) cache.clear();
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
