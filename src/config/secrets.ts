import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { ConfigError } from "../lib/config-error.ts";
import type { ProviderSettings } from "../schema/settings.ts";
import type { Environment } from "./environment.ts";

export interface SecretSources {
  readonly environment: Environment;
  /** The folder that relative paths start from. */
  readonly directory: string;
}

/**
 * The key of a provider, from wherever the configuration says.
 *
 * @returns the key, undefined when none is configured, and a warning when a named variable is not set: the provider may not
 * need one today.
 * @throws {ConfigError} when a file is missing or a key is empty.
 */
export function providerKey(
  provider: ProviderSettings,
  sources: SecretSources,
): { readonly key?: string; readonly warning?: string } {
  const { name, api_key: key, api_key_env: variable, api_key_file: file } = provider;
  if (key !== undefined) return { key: notEmpty(key, `the api_key of the provider "${name}"`) };
  if (file !== undefined) {
    return { key: readSecret(file, sources, `the api_key_file of the provider "${name}"`) };
  }
  if (variable === undefined) return {};
  const value = sources.environment[variable]?.trim();
  if (value) return { key: value };
  return {
    warning:
      `the provider "${name}" has no key: the environment variable ${variable} (api_key_env) is not set`,
  };
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
