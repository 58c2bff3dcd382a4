import { fromEnv } from "@aws-sdk/credential-provider-env";
import { fromHttp } from "@aws-sdk/credential-provider-http";
import { fromIni } from "@aws-sdk/credential-provider-ini";
import { fromTokenFile } from "@aws-sdk/credential-provider-web-identity";
import { fromInstanceMetadata } from "@smithy/credential-provider-imds";
import { type PluginHost, UpstreamError } from "intellirouter/plugin";

/** Keys that sign requests. */
export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
  /** Absent for keys without an end. */
  readonly expiration?: Date | undefined;
}

/** What lets a request in: a Bedrock API key, or keys that sign. */
export type AwsAccess = { readonly bearer: string } | AwsCredentials;

/** Where to look. */
export interface AwsSearch {
  /** Looks in this profile of the shared files and nowhere else. */
  readonly profile: string | undefined;
  /** Whose token service is asked to assume roles. */
  readonly region: string;
  readonly host: Pick<PluginHost, "logger" | "variable">;
}

/** One place where credentials may be. */
interface Source {
  /** As it stands in an error. */
  readonly name: string;
  load(): Promise<AwsCredentials>;
}

/** Milliseconds that the metadata service of an instance has; elsewhere nobody answers at its address. */
const instanceTimeoutMs = 1_000;

/**
 * Looks for access where AWS's own tools do and in their order: variables, shared files, the token of a workload, the container, the
 * instance. The first source that has some decides; one that is set up but fails ends the search, so that nobody acts under
 * another identity than the intended one.
 *
 * @throws {UpstreamError} that names every source that was tried, and why it gave nothing.
 */
export async function findAwsAccess(search: AwsSearch): Promise<AwsAccess> {
  const bearer = search.profile === undefined ? search.host.variable("AWS_BEARER_TOKEN_BEDROCK") : undefined;
  if (bearer !== undefined) return { bearer };
  const failures: string[] = [];
  let last: unknown;
  for (const { name, load } of sourcesOf(search)) {
    try {
      return await load();
    } catch (error) {
      last = error;
      failures.push(`${name}: ${describe(error)}`);
      if (!mayGoOn(error)) break;
    }
  }
  throw new UpstreamError({
    kind: isOutage(last) ? "unavailable" : "auth",
    message: `There are no AWS credentials. Tried: ${failures.join("; ")}.`,
  });
}

function sourcesOf({ profile, region, host }: AwsSearch): Source[] {
  const clientConfig = { region };
  const named = profile ?? host.variable("AWS_PROFILE");
  const files: Source = {
    name: `profile "${named ?? "default"}"`,
    load: fromIni({ ...(named === undefined ? {} : { profile: named }), ignoreCache: true, clientConfig }),
  };
  if (profile !== undefined) return [files];
  return [
    // Who names a profile means it, whatever keys there are beside it.
    ...(named === undefined ? [{ name: "environment", load: fromEnv() }] : []),
    files,
    { name: "web identity", load: fromTokenFile({ clientConfig }) },
    machine(host),
  ];
}

/** What the machine itself is known by: never the instance's account where the container has one of its own. */
function machine({ logger: log, variable }: AwsSearch["host"]): Source {
  // Its further arguments are whole errors, which say too much.
  const logger = {
    debug() {},
    info() {},
    warn: (message: unknown) => log.warn(String(message)),
    error: (message: unknown) => log.error(String(message)),
  };
  const container = variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") ??
    variable("AWS_CONTAINER_CREDENTIALS_FULL_URI");
  if (container !== undefined) {
    return { name: "container", load: async () => await fromHttp({ maxRetries: 1, logger })() };
  }
  const off = variable("AWS_EC2_METADATA_DISABLED");
  return {
    name: "instance",
    load: off === undefined || off.toLowerCase() === "false"
      ? fromInstanceMetadata({ timeout: instanceTimeoutMs, maxRetries: 1, logger })
      : () => Promise.reject(new Error("switched off by AWS_EC2_METADATA_DISABLED")),
  };
}

/** AWS's library marks failures that only mean that a source is not set up. */
function mayGoOn(error: unknown): boolean {
  return (error as { readonly tryNextLink?: unknown } | null)?.tryNextLink === true;
}

/** Whether it may go well later without anybody's doing. */
function isOutage(error: unknown): boolean {
  const { $fault: fault, $retryable: retryable, name, code } = error as Readonly<Record<string, unknown>>;
  return fault === "server" || retryable !== undefined || name === "TimeoutError" ||
    typeof code === "string" && /^E[A-Z]+$|^Connection|^FailedToOpenSocket$/.test(code);
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const words = error.message.split("\n")[0]!.replace(/\.$/, "");
  return error.name === "Error" || /ProviderError$/.test(error.name) ? words : `${error.name}: ${words}`;
}
