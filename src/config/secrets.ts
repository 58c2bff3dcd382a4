import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { ConfigError } from "../lib/config-error.ts";
import type { ProviderSettings, RedisSettings } from "../schema/settings.ts";
import type { ExporterSettings } from "../schema/telemetry-settings.ts";
import type { Environment } from "./environment.ts";

export interface SecretSources {
  readonly environment: Environment;
  /** The folder that relative paths start from. */
  readonly directory: string;
}

/**
 * The secrets of a provider by name (`api_key` and those under `secrets`), from wherever the configuration says.
 *
 * @returns also a warning for each named variable that is not set: the provider may not need it today.
 * @throws {ConfigError} when a file is missing or a secret is empty.
 */
export function providerSecrets(
  provider: ProviderSettings,
  sources: SecretSources,
): { readonly secrets: Readonly<Record<string, string>>; readonly warnings: readonly string[] } {
  const secrets: Record<string, string> = {};
  const warnings: string[] = [];
  const { name, api_key: key, api_key_env: env, api_key_file: file } = provider;
  if (key !== undefined) secrets.api_key = notEmpty(key, `the api_key of the provider "${name}"`);
  const given = Object.entries(provider.secrets ?? {}).map(([secret, source]) =>
    [secret, `secrets.${secret}`, source] as const
  );
  for (const [secret, field, source] of [["api_key", "api_key", { env, file }] as const, ...given]) {
    if (secrets[secret] !== undefined) continue;
    if (source.file !== undefined) {
      secrets[secret] = readSecret(source.file, sources, `the file of ${field} of the provider "${name}"`);
    } else if (source.env !== undefined) {
      const value = sources.environment[source.env]?.trim();
      if (value) secrets[secret] = value;
      else {
        warnings.push(
          `the provider "${name}" has no ${field}: the environment variable ${source.env} is not set`,
        );
      }
    }
  }
  return { secrets, warnings };
}

/** The password for Redis; undefined when none is configured. @throws {ConfigError} when it is named and not there. */
export function redisPassword(
  { password_env: env, password_file: file }: RedisSettings,
  sources: SecretSources,
): string | undefined {
  if (file !== undefined) return readSecret(file, sources, "the file of redis.password_file");
  if (env === undefined) return undefined;
  return notEmpty(sources.environment[env] ?? "", `the environment variable ${env} of redis.password_env`);
}

/** The secrets of an exporter by name. @throws {ConfigError} when one that is named cannot be had. */
export function exporterSecrets(
  { kind, name = kind, secrets = {} }: ExporterSettings,
  sources: SecretSources,
): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(secrets).map(([secret, { env, file }]) => {
      const what = `secrets.${secret} of the exporter "${name}"`;
      if (file !== undefined) return [secret, readSecret(file, sources, `the file of ${what}`)];
      const value = sources.environment[env!]?.trim();
      if (value) return [secret, value];
      throw new ConfigError([{ message: `${what} is missing: the environment variable ${env} is not set.` }]);
    }),
  );
}

/** Keys of the gateway's own callers that the environment gives: INTELLIROUTER_API_KEYS and INTELLIROUTER_ADMIN_KEY. */
export function environmentKeys(sources: SecretSources): { readonly key: string; readonly admin: boolean }[] {
  const { environment } = sources;
  const read = (name: string): string | undefined => {
    const file = environment[`${name}_FILE`];
    if (file) return readSecret(file, sources, `the file of ${name}_FILE`);
    return environment[name] || undefined;
  };
  const split = (text: string | undefined) =>
    (text ?? "").split(/[,\n]/).map((key) => key.trim()).filter((key) => key !== "");
  const keys = [
    ...split(read("INTELLIROUTER_API_KEYS")).map((key) => ({ key, admin: false })),
    ...split(read("INTELLIROUTER_ADMIN_KEY")).map((key) => ({ key, admin: true })),
  ];
  const short = keys.find(({ key }) => key.length < 16 || /\s/.test(key));
  if (short !== undefined) {
    throw new ConfigError([{
      message: `a key in ${
        short.admin ? "INTELLIROUTER_ADMIN_KEY" : "INTELLIROUTER_API_KEYS"
      } is too easy to guess: use at least 16 characters without spaces.`,
    }]);
  }
  return keys;
}

/** A bare name is a systemd credential when there is one of that name. */
function readSecret(file: string, { environment, directory }: SecretSources, what: string): string {
  const credentials = environment.CREDENTIALS_DIRECTORY;
  const credential = credentials !== undefined && !file.includes("/") ? join(credentials, file) : undefined;
  const path = credential !== undefined && existsSync(credential) ? credential : resolve(directory, file);
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ConfigError([{ message: `${what}, ${path}, cannot be read: ${reason}` }]);
  }
  return notEmpty(text, `${what}, ${path},`);
}

function notEmpty(text: string, what: string): string {
  const key = text.trim();
  if (key === "") throw new ConfigError([{ message: `${what} is empty.` }]);
  return key;
}
