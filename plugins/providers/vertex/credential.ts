import { type BackendContext, type PluginHost, UpstreamError } from "intellirouter/plugin";
import { CachedToken } from "../hub/cached-token.ts";
import type { Loose } from "../hub/loose.ts";
import {
  accessWith,
  type AskForAccess,
  describeCredentials,
  type GoogleAccess,
  parseCredentials,
} from "./access.ts";
import { applicationDefault } from "./application-default.ts";
import { machineAccess } from "./metadata-server.ts";
import type { VertexOptions } from "./options.ts";

/** What Vertex AI knows its caller by. */
export interface VertexCredential {
  headers(context: BackendContext): Promise<Readonly<Record<string, string>>>;
  /** The project that the credentials belong to, where that is known without asking. */
  readonly project: string | undefined;
  /** The same, where it takes reading and asking. */
  findProject?(context: BackendContext): Promise<string | undefined>;
  /** Models are asked for in a project; a key of the API stands for one. */
  readonly needsProject: boolean;
  /** What must not show in an error message. */
  readonly secrets: readonly string[];
}

/**
 * A given token, a key of the API, given credentials, or what Google's tools would find.
 *
 * @throws where given credentials are of no kind that is known: the gateway says so when it starts.
 */
export function vertexCredential({ auth }: VertexOptions, host: PluginHost): VertexCredential {
  if (auth === "metadata") return fromAccess(machineAccess(host), host);
  const token = host.secret("access_token");
  if (token !== undefined) return fixed({ authorization: `Bearer ${token}` }, token, true);
  const key = host.secret("api_key");
  if (key !== undefined) return fixed({ "x-goog-api-key": key }, key, false);
  const text = host.secret("credentials");
  if (text !== undefined) {
    const complaint =
      "the secret credentials is no JSON object: it must be the text of the file, not its name";
    return given(parseCredentials(text, complaint), host);
  }
  if (auth === "auto") return fromAccess(applicationDefault(host), host);
  return { headers: noCredentials, project: undefined, needsProject: false, secrets: [] };
}

function fixed(
  headers: Readonly<Record<string, string>>,
  secret: string,
  needsProject: boolean,
): VertexCredential {
  return { headers: () => Promise.resolve(headers), project: undefined, needsProject, secrets: [secret] };
}

function noCredentials(): Promise<never> {
  const message = "Vertex AI needs credentials, an access token or an API key.";
  return Promise.reject(new UpstreamError({ kind: "auth", message }));
}

function given(credentials: Loose, host: PluginHost): VertexCredential {
  const { headers } = fromAccess(accessWith(credentials, host), host);
  const { project, secrets } = describeCredentials(credentials);
  return { headers, project, needsProject: true, secrets };
}

function fromAccess(ask: AskForAccess, host: PluginHost): VertexCredential {
  let secrets: readonly string[] = [];
  const cached = new CachedToken<GoogleAccess>(host, async (signal) => {
    const issued = await ask(signal);
    secrets = [issued.token.token, ...issued.token.secrets];
    return issued;
  });
  return {
    headers: async ({ signal }) => {
      const { token, payer } = await cached.get(signal);
      return {
        authorization: `Bearer ${token}`,
        ...(payer === undefined ? {} : { "x-goog-user-project": payer }),
      };
    },
    project: undefined,
    findProject: async ({ signal }) => (await cached.get(signal)).project,
    needsProject: true,
    get secrets() {
      return secrets;
    },
  };
}
