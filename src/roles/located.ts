import type { LoadedSettings } from "../config/load-settings.ts";
import { ConfigError, settingName, type SettingPath } from "../lib/config-error.ts";
import { didYouMeanSentence } from "../lib/did-you-mean.ts";
import { PluginOptionsError } from "../plugin/host/create-instance.ts";

/** What went wrong while something was made of a setting, with its place in the file. */
export async function located(
  error: unknown,
  loaded: LoadedSettings,
  path: SettingPath,
): Promise<ConfigError> {
  if (error instanceof PluginOptionsError) return await optionsProblem(error, loaded, path);
  const message = `"${settingName(path)}": ${error instanceof Error ? error.message : error}`;
  return new ConfigError([{ path, position: await loaded.locate(path), message }]);
}

async function optionsProblem(
  error: PluginOptionsError,
  loaded: LoadedSettings,
  path: SettingPath,
): Promise<ConfigError> {
  const problem = async (place: SettingPath, message: string) => ({
    path: place,
    position: await loaded.locate(place),
    message,
  });
  const problems = error.issues.flatMap((issue) => {
    const place = [...path, ...issue.path as SettingPath];
    if (issue.code !== "unrecognized_keys") {
      const missing = issue.message.match(/expected (.+), received undefined$/)?.[1];
      const complaint = missing === undefined
        ? `is wrong: ${issue.message}.`
        : `is missing; it must be a ${missing}.`;
      return [problem(place, `"${settingName(place)}" ${complaint}`)];
    }
    return issue.keys.map((key) => {
      const hint = didYouMeanSentence(key, error.knownOptions) ||
        ` Options: ${error.knownOptions.join(", ") || "none"}.`;
      return problem(
        [...place, key],
        `unknown key "${settingName([...place, key])}".${issue.path.length === 0 ? hint : ""}`,
      );
    });
  });
  return new ConfigError(await Promise.all(problems));
}
