import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { isUpstreamError, type PluginHost, UpstreamError } from "intellirouter/plugin";
import { accessWith, type AskForAccess, parseCredentials } from "./access.ts";
import { machineAccess } from "./metadata-server.ts";

/**
 * Access as Google's tools find it ("application default credentials"): the file that GOOGLE_APPLICATION_CREDENTIALS names, what
 * `gcloud auth application-default login` leaves, the account of the machine on Google Cloud. Nothing is read or asked before the first
 * request, and files are read anew for each token.
 *
 * @throws {UpstreamError} that names what was tried. A file that is named but of no use ends the search.
 */
export function applicationDefault(host: PluginHost): AskForAccess {
  const find = finder(host);
  const payer = host.variable("GOOGLE_CLOUD_QUOTA_PROJECT");
  if (payer === undefined) return find;
  return async (signal) => {
    const { token, expiresIn } = await find(signal);
    return { token: { ...token, payer }, expiresIn };
  };
}

function finder(host: PluginHost): AskForAccess {
  return async (signal) => {
    const named = host.variable("GOOGLE_APPLICATION_CREDENTIALS");
    if (named !== undefined) return await fromFile(named, await read(named), host)(signal);
    const left = fileOfGcloud(host);
    const text = left === undefined ? undefined : await read(left).catch(ifMissing);
    if (text !== undefined) return await fromFile(left!, text, host)(signal);
    try {
      return await machineAccess(host)(signal);
    } catch (error) {
      signal.throwIfAborted();
      throw nothing(error, left);
    }
  };
}

function fileOfGcloud({ variable }: PluginHost): string | undefined {
  const roaming = variable("APPDATA");
  const home = variable("HOME");
  const folder = variable("CLOUDSDK_CONFIG") ??
    (roaming !== undefined ? join(roaming, "gcloud") : undefined) ??
    (home !== undefined ? join(home, ".config", "gcloud") : undefined);
  return folder === undefined ? undefined : join(folder, "application_default_credentials.json");
}

async function read(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    const { code = String(error) } = error as NodeJS.ErrnoException;
    throw unusable(file, `it cannot be read (${code})`, error);
  }
}

/** What nobody has named need not be there. */
function ifMissing(error: UpstreamError): undefined {
  if ((error.cause as NodeJS.ErrnoException).code !== "ENOENT") throw error;
}

function fromFile(file: string, text: string, host: PluginHost): AskForAccess {
  try {
    return accessWith(parseCredentials(text, "it holds no JSON object"), host);
  } catch (error) {
    throw unusable(file, (error as Error).message);
  }
}

function unusable(file: string, reason: string, cause?: unknown): UpstreamError {
  const message = `The Google credentials in ${file} are of no use: ${reason}.`;
  return new UpstreamError({ kind: "auth", message, cause });
}

function nothing(error: unknown, left: string | undefined): unknown {
  if (!isUpstreamError(error)) return error;
  const tried = [
    "the secrets: none is given",
    "GOOGLE_APPLICATION_CREDENTIALS: not set",
    ...(left === undefined ? [] : [`${left}: not there`]),
    `metadata server: ${error.message}`,
  ];
  // Elsewhere than on Google Cloud there is no such server; that nobody answers is no outage that will pass.
  const kind = error.kind === "unavailable" && error.status === undefined ? "auth" : error.kind;
  return new UpstreamError({
    kind,
    status: error.status,
    message: `There are no Google credentials. Tried: ${tried.join("; ")}.`,
  });
}
