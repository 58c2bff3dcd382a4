import { loadConfig } from "@smithy/core/config";

/**
 * The region of a profile in AWS's shared files, read by AWS's own library: where they lie, and how, is a matter of many rules.
 *
 * @param profile that of `AWS_PROFILE`, or `default`, when undefined.
 */
export async function regionOfProfile(profile: string | undefined): Promise<string | undefined> {
  const read = loadConfig<string | undefined>({
    environmentVariableSelector: () => undefined,
    configFileSelector: ({ region }) => region,
    default: undefined,
  }, { ...(profile === undefined ? {} : { profile }), ignoreCache: true });
  return await read();
}
