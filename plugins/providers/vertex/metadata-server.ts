import { type PluginHost, UpstreamError } from "intellirouter/plugin";
import type { AskForAccess } from "./access.ts";
import { readToken } from "./google-token.ts";

/** The account of the machine, on Google Cloud, and the project that the machine belongs to. */
export function machineAccess(host: PluginHost): AskForAccess {
  return async (signal) => {
    const answer = await ask("instance/service-accounts/default/token", host, signal);
    const { token, expiresIn } = await readToken(answer, host);
    const project = (await (await ask("project/project-id", host, signal)).text()).trim();
    return { token: { token, project: project || undefined, payer: undefined, secrets: [] }, expiresIn };
  };
}

async function ask(path: string, host: PluginHost, signal: AbortSignal): Promise<Response> {
  const server = host.variable("GCE_METADATA_HOST") ?? "metadata.google.internal";
  const headers = { "metadata-flavor": "Google" };
  const response = await host.fetch(`http://${server}/computeMetadata/v1/${path}`, { headers, signal });
  if (response.headers.get("metadata-flavor") === "Google") return response;
  // Whoever answers at that name elsewhere, such as a portal of a hotel, does not know this header.
  await response.body?.cancel();
  throw new UpstreamError({ kind: "auth", message: `what answers at ${server} is no metadata server` });
}
