import { ChainError, type ToolCall } from "../contracts.ts";
import type { StepContext } from "../run-context.ts";

/** More of a tool's answer is not read, in bytes. */
const longestAnswer = 4 * 1024 * 1024;

/**
 * Calls an HTTP tool at an address that the chain's operator has allowed. Redirects are not followed: they could lead elsewhere.
 *
 * @throws {ChainError} `tool`
 */
export async function callTool(
  call: ToolCall,
  allow: readonly string[],
  { run, signal }: StepContext,
): Promise<{ readonly status: number; readonly body: unknown }> {
  const response = await run.calls.callTool({ ...call, url: allowed(call.url, allow) }, signal);
  const body = await readAnswer(response);
  if (response.status >= 300) {
    throw new ChainError("tool", `the tool answered ${response.status}`, {
      canRetry: response.status === 429 || response.status >= 500,
    });
  }
  return { status: response.status, body };
}

/** @throws {ChainError} `tool` for an address that is not below one of the allowed ones. */
function allowed(text: string, allow: readonly string[]): string {
  if (!URL.canParse(text)) throw new ChainError("tool", `${text.slice(0, 200)} is no address`);
  const url = new URL(text);
  const isAllowed = url.username === "" && url.password === "" && allow.some((one) => {
    const { origin, pathname } = new URL(one);
    const folder = pathname.endsWith("/") ? pathname : `${pathname}/`;
    return url.origin === origin &&
      (pathname === "/" || url.pathname === pathname || url.pathname.startsWith(folder));
  });
  if (!isAllowed) throw new ChainError("tool", `the chain's \`allow\` has no ${url.origin}${url.pathname}`);
  return url.href;
}

async function readAnswer(response: Response): Promise<unknown> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.byteLength;
    if (size > longestAnswer) {
      throw new ChainError("tool", `the tool's answer is longer than ${longestAnswer} bytes`);
    }
    chunks.push(chunk);
  }
  const text = Buffer.concat(chunks).toString("utf8");
  if (!/json/.test(response.headers.get("content-type") ?? "")) return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
