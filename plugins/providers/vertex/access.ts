import type { PluginHost } from "intellirouter/plugin";
import type { IssuedToken } from "../hub/cached-token.ts";
import { asText, isObject, type Loose } from "../hub/loose.ts";
import { askWith } from "./google-token.ts";

/** What a request goes with. */
export interface GoogleAccess {
  readonly token: string;
  /** The project that the credentials belong to, where they say. */
  readonly project: string | undefined;
  /** The project that pays for what a person asks. */
  readonly payer: string | undefined;
  /** What must not show in an error message. */
  readonly secrets: readonly string[];
}

/** Asks for access; the signal gives it up. */
export type AskForAccess = (signal: AbortSignal) => Promise<IssuedToken<GoogleAccess>>;

/** @throws where the credentials are of no kind that is known. */
export function accessWith(credentials: Loose, host: PluginHost): AskForAccess {
  const ask = askWith(credentials, host);
  const known = describeCredentials(credentials);
  return async (signal) => {
    const { token, expiresIn } = await ask(signal);
    return { token: { token, ...known }, expiresIn };
  };
}

/** What credentials tell beside how to come by tokens. */
export function describeCredentials(credentials: Loose): Omit<GoogleAccess, "token"> {
  const payer = asText(credentials.quota_project_id) || undefined;
  const source = isObject(credentials.source_credentials) ? credentials.source_credentials : {};
  const secrets = [credentials, source].flatMap((each) => [
    each.private_key,
    each.client_secret,
    each.refresh_token,
  ]).map(asText).filter((secret) => secret !== "");
  return { project: asText(credentials.project_id) || payer, payer, secrets };
}

/** @throws with these words, and none of the text, where it is no JSON object. */
export function parseCredentials(text: string, complaint: string): Loose {
  try {
    const value: unknown = JSON.parse(text);
    if (isObject(value)) return value;
  } catch {
    // Said below, without the text.
  }
  throw new Error(complaint);
}
