/** Names that end like this hold secrets; `api_key_env` and `api_key_file` only say where one is. */
const secretName =
  /(?:^|[-_.])(?:api[-_]?key|access[-_]?key|private[-_]?key|key|secret|token|password|passwd|passphrase|credentials?|authorization|cookie|bearer)s?$/;

/** Whether a key of the configuration, or a header's name, looks as if its value were a secret. */
export function isSecretName(name: string): boolean {
  return secretName.test(name.replace(/([a-z0-9])([A-Z])/g, "$1_$2").toLowerCase());
}
