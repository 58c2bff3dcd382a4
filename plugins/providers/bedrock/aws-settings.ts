import { loadConfig } from "@smithy/core/config";

/** What AWS's own tools read from the environment, or else from the profile in the shared files. */
export interface AwsSetting {
  /** In order of preference. */
  readonly variables: readonly string[];
  /** Its key in a profile. */
  readonly key?: string;
}

/**
 * Reads by AWS's own library, since where its files lie and which profile counts is a matter of a dozen variables.
 *
 * @param profile the profile to look in; `AWS_PROFILE`, or `default`, when undefined.
 */
export async function readAwsSetting(
  { variables, key }: AwsSetting,
  profile?: string,
): Promise<string | undefined> {
  const read = loadConfig<string | undefined>({
    environmentVariableSelector: (environment) =>
      variables.map((name) => environment[name]?.trim()).find((value) => value),
    configFileSelector: (values) => key === undefined ? undefined : values[key],
    default: undefined,
  }, { ...(profile === undefined ? {} : { profile }), ignoreCache: true });
  return await read();
}

/** The region that the environment or the profile names. */
export function awsRegion(profile: string | undefined): Promise<string | undefined> {
  return readAwsSetting({ variables: ["AWS_REGION", "AWS_DEFAULT_REGION"], key: "region" }, profile);
}
