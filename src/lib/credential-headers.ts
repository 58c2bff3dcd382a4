const credentialHeaders: ReadonlySet<string> = new Set([
  "authorization",
  "proxy-authorization",
  "api-key",
  "x-api-key",
  "x-goog-api-key",
  "cookie",
]);

/** Headers that no rule, no plugin and no template may see. @param name in lower case. */
export function isCredentialHeader(name: string): boolean {
  return credentialHeaders.has(name);
}
