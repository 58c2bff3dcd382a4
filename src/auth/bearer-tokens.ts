import { hash } from "node:crypto";
import { createLocalJWKSet, createRemoteJWKSet, customFetch, errors, type JWTPayload, jwtVerify } from "jose";
import { LRUCache } from "lru-cache";
import { ApiError } from "../lib/api-error.ts";
import type { Clock } from "../lib/clock.ts";
import type { EgressFetch } from "../plugin/api/host.ts";
import type { IssuerSettings } from "../schema/settings.ts";
import type { RoleBook } from "./permissions.ts";
import { type ChargedAccount, everything, type Principal } from "./principal.ts";
import { textMatcher } from "../lib/text-pattern.ts";
import { unauthorized } from "./unauthorized.ts";

export interface BearerTokensOptions {
  readonly issuers: readonly (IssuerSettings & {
    /** The issuer's keys, where they are in a file and not fetched. */
    readonly jwks?: { readonly keys: readonly Readonly<Record<string, unknown>>[] } | undefined;
  })[];
  readonly roles: RoleBook;
  readonly fetch: EgressFetch;
  readonly clock: Clock;
  /** The organisation of a team and what counts for both; undefined when there is no such team, or it is switched off. */
  readonly team: (
    id: string,
  ) =>
    | { readonly organisation: string | undefined; readonly accounts: readonly ChargedAccount[] }
    | undefined;
}

/** Longest time for which a token's verdict is kept. */
const longestMs = 5 * 60_000;
const mostTokens = 10_000;
/** More than any issuer needs. */
const longestToken = 16 * 1024;
/** Characters of a name in logs and books. */
const longestSubject = 128;
/** Compact JWS: three parts of base64url (RFC 7515, section 7.1), and a header that is an object. */
const tokenForm = /^eyJ[\w-]+\.[\w-]+\.[\w-]+$/;
const jwksTimeoutMs = 5_000;

/** What a token was found to say; what its caller may do is asked anew each time, since accounts change. */
interface Verdict {
  readonly payload: JWTPayload;
  readonly settings: IssuerSettings;
  /** Milliseconds since the epoch. */
  readonly until: number;
}

type KeySet = ReturnType<typeof createRemoteJWKSet> | ReturnType<typeof createLocalJWKSet>;

/** Callers that an OpenID Connect issuer vouches for, by JSON Web Tokens (RFC 7519, RFC 9068). */
export class BearerTokens {
  readonly #options: BearerTokensOptions;
  readonly #keySets: readonly KeySet[];
  /** By the hash of the whole token: its beginning is the same for all of one issuer. */
  readonly #verdicts = new LRUCache<string, Verdict>({ max: mostTokens });

  constructor(options: BearerTokensOptions) {
    this.#options = options;
    this.#keySets = options.issuers.map(({ jwks, jwks_url: url }) =>
      jwks === undefined
        ? createRemoteJWKSet(new URL(url!), {
          timeoutDuration: jwksTimeoutMs,
          [customFetch]: (address, init) =>
            options.fetch(address, {
              method: init.method,
              headers: init.headers,
              ...(init.signal ? { signal: init.signal } : {}),
            }),
        })
        : createLocalJWKSet(jwks as Parameters<typeof createLocalJWKSet>[0])
    );
  }

  isToken(credential: string): boolean {
    return credential.length <= longestToken && tokenForm.test(credential);
  }

  /** @throws {ApiError} 401 for a token that no issuer vouches for, 503 when an issuer's keys cannot be had. */
  verify(token: string): Principal | Promise<Principal> {
    const name = hash("sha256", token, "base64url");
    const known = this.#verdicts.get(name);
    return known !== undefined && this.#options.clock.now() < known.until
      ? this.#principalOf(known.payload, known.settings)
      : this.#verify(token, name);
  }

  async #verify(token: string, name: string): Promise<Principal> {
    const { issuers, clock } = this.#options;
    const index = issuers.findIndex(({ issuer }) => issuer === claimedIssuer(token));
    const settings = issuers[index];
    if (settings === undefined) throw unauthorized("This token's issuer is not known.");
    let payload: JWTPayload;
    try {
      ({ payload } = await jwtVerify(token, this.#keySets[index]!, {
        issuer: settings.issuer,
        audience: settings.audience,
        algorithms: settings.algorithms,
        clockTolerance: settings.clock_skew_seconds,
        currentDate: new Date(clock.now()),
        requiredClaims: ["exp", settings.claims.id],
      }));
    } catch (error) {
      throw refusal(error);
    }
    const principal = this.#principalOf(payload, settings);
    // A principal that cannot be made is no verdict to keep.
    const expiresAt = payload.exp! * 1000 + settings.clock_skew_seconds * 1000;
    this.#verdicts.set(name, { payload, settings, until: Math.min(expiresAt, clock.now() + longestMs) });
    return principal;
  }

  #principalOf(
    payload: JWTPayload,
    { name, claims, default_roles: defaultRoles, limits, budget }: IssuerSettings,
  ): Principal {
    const text = (claim: string | undefined) => {
      const value = claim === undefined ? undefined : payload[claim];
      return typeof value === "string" && value !== "" ? value : undefined;
    };
    const list = (claim: string | undefined) => {
      const value = claim === undefined ? undefined : payload[claim];
      if (typeof value === "string") return value.split(" ").filter((word) => word !== "");
      return Array.isArray(value) ? value.filter((word) => typeof word === "string") : undefined;
    };
    // Named after the issuer, so that nobody can name himself like a key.
    const subject = text(claims.id);
    if (subject === undefined) throw unauthorized("This token does not say whose it is.");
    // Longer ones must stay different ones.
    const id = `${name}:${subject.length <= longestSubject ? subject : hash("sha256", subject, "base64url")}`;
    const roles = (list(claims.roles) ?? defaultRoles).filter((role) => this.#options.roles.has(role));
    const teamName = text(claims.team);
    const team = teamName === undefined ? undefined : this.#options.team(teamName);
    if (teamName !== undefined && team === undefined) {
      throw unauthorized("This token's team is not known, or it is disabled.");
    }
    const models = list(claims.models) ?? everything.models;
    return {
      id,
      roles,
      permissions: this.#options.roles.permissionsOf(roles),
      tenant: text(claims.tenant) ?? id,
      team: teamName,
      organisation: team?.organisation,
      mayUse: textMatcher(models),
      mayAsk: () => true,
      mayCall: () => true,
      accounts: [
        ...(limits === undefined && budget === undefined ? [] : [{ scope: `key:${id}`, limits, budget }]),
        ...team?.accounts ?? [],
      ],
      grants: { ...everything, models, expiresAt: payload.exp! * 1000 },
    };
  }
}

/** Read without trust, only to know whose keys to check the token with. */
function claimedIssuer(token: string): unknown {
  try {
    return (JSON.parse(Buffer.from(token.split(".")[1]!, "base64url").toString()) as JWTPayload).iss;
  } catch {
    return undefined;
  }
}

function refusal(error: unknown): ApiError {
  if (error instanceof errors.JWTExpired) return unauthorized("This token has expired.");
  const isVerdict = error instanceof errors.JOSEError && !(error instanceof errors.JWKSTimeout) &&
    error.code !== "ERR_JOSE_GENERIC";
  if (isVerdict) return unauthorized("This token is not valid.");
  return new ApiError({
    status: 503,
    code: "issuer_unavailable",
    message: "The keys of this token's issuer cannot be fetched; try again shortly.",
    retryAfterMs: 1_000,
    cause: error,
  });
}
