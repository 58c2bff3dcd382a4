import { AwsClient, IdentityPoolClient, PluggableAuthClient } from "google-auth-library";
import { type PluginHost, UpstreamError } from "intellirouter/plugin";
import { asObject, type Loose } from "../hub/loose.ts";

/**
 * What another cloud, a cluster or an OpenID provider says of this workload, for Google to believe. Google's library knows where to get
 * it: from a file, an address, AWS's environment or a program. Where it asks, it asks through the gateway's egress.
 *
 * @param credentials of the type `external_account`.
 * @throws {UpstreamError} of kind `auth` where there is nothing to be had.
 */
export async function subjectTokenOf(
  credentials: Loose,
  host: PluginHost,
  signal: AbortSignal,
): Promise<string> {
  const client = clientOf({
    ...credentials,
    transporterOptions: {
      fetchImplementation: (input: unknown, { method = "GET", headers, body }: RequestInit = {}) =>
        host.fetch(String(input), {
          method,
          headers: new Headers(headers),
          ...(body === undefined || body === null ? {} : { body: String(body) }),
          signal,
        }),
    },
  });
  try {
    return await client.retrieveSubjectToken();
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof UpstreamError) throw error;
    const words = (error as Error).message.split("\n")[0];
    throw new UpstreamError({ kind: "auth", message: `Nobody speaks for this workload: ${words}` });
  }
}

/** Of the library's own function for this each call prints a warning about configurations that strangers wrote. */
function clientOf(options: Loose): { retrieveSubjectToken(): Promise<string> } {
  const { environment_id: environment, executable } = asObject(options.credential_source);
  if (environment !== undefined) return new AwsClient(options as ConstructorParameters<typeof AwsClient>[0]);
  if (executable !== undefined) {
    return new PluggableAuthClient(
      options as unknown as ConstructorParameters<typeof PluggableAuthClient>[0],
    );
  }
  return new IdentityPoolClient(options as unknown as ConstructorParameters<typeof IdentityPoolClient>[0]);
}
