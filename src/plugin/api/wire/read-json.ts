import { parseJson } from "../../../lib/lossless-json.ts";
import { UpstreamError } from "../upstream-error.ts";
import { brokenConnection } from "./broken-connection.ts";
import { errorInside } from "./error-body.ts";

/** Largest answer, in bytes as decompressed. */
const largestBody = 256 * 1024 * 1024;
/** As much of an error is read as a person may want to see. */
const largestError = 64 * 1024;

/**
 * The JSON of a backend's answer, and the text that it was read from.
 *
 * @param toError makes the error of a response with a failure status from its text.
 * @throws {UpstreamError} for an error status, an error in an answer that claims success, and an answer that is not JSON.
 */
export async function readJson(
  response: Response,
  signal: AbortSignal,
  toError: (text: string) => UpstreamError,
): Promise<{ readonly value: unknown; readonly text: string }> {
  if (!response.ok) throw toError(await readErrorText(response, signal));
  const text = await readText(response, signal, largestBody);
  let value: unknown;
  try {
    value = parseJson(text);
  } catch (error) {
    // A page says what kind of server was met; anything else could be a piece of an answer, which belongs in no message.
    const page = text.trimStart().match(/^<[!?]?[A-Za-z][\w -]{0,40}>?/)?.[0];
    throw new UpstreamError({
      kind: "bad_response",
      status: response.status,
      message: page === undefined ? "it is not JSON" : `it is not JSON, it begins ${JSON.stringify(page)}`,
      cause: error,
    });
  }
  const failure = errorInside(value);
  if (failure !== undefined) throw failure;
  return { value, text };
}

async function readErrorText(response: Response, signal: AbortSignal): Promise<string> {
  try {
    return await readText(response, signal, largestError);
  } catch (error) {
    if (signal.aborted) throw error;
    return "";
  }
}

async function readText(response: Response, signal: AbortSignal, limit: number): Promise<string> {
  try {
    // A length within the limit is kept by the runtime, and this is its fastest way.
    const length = response.headers.get("content-length");
    if (length !== null && Number(length) <= limit) return await response.text();
    const decoder = new TextDecoder();
    let text = "";
    let size = 0;
    for await (const chunk of response.body ?? []) {
      size += chunk.byteLength;
      if (size > limit) {
        if (!response.ok) break;
        throw new UpstreamError({ kind: "bad_response", message: `it has more than ${limit} bytes` });
      }
      text += decoder.decode(chunk, { stream: true });
    }
    return text + decoder.decode();
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    if (error instanceof UpstreamError) throw error;
    throw brokenConnection(error);
  }
}
