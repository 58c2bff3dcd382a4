import type { ChainStep } from "../../schema/chain.ts";
import type { StepAction, StepCompiler } from "../compiled-step.ts";
import { ChainError } from "../contracts.ts";
import type { Scope } from "../values.ts";

/** More of a tool's answer is not read, in bytes. */
const longestAnswer = 4 * 1024 * 1024;

export function retrieveStep({ retrieve }: ChainStep, compiler: StepCompiler): StepAction {
  const { vector_stores: vectorStores, max_results: maxResults, query } = retrieve!;
  const template = compiler.template(query);
  const searchOf = (scope: Scope) => ({ vectorStores, maxResults, query: template.render(scope) });
  return {
    input: searchOf,
    async run(scope, { run, signal }) {
      if (run.calls.search === undefined) {
        throw new ChainError("tool", "nothing can be searched here: there are no vector stores");
      }
      return await run.calls.search(searchOf(scope), signal);
    },
  };
}

/** Calls an HTTP tool at an address that the chain's operator has allowed. Redirects are not followed: they could lead elsewhere. */
export function toolStep({ tool }: ChainStep, compiler: StepCompiler): StepAction {
  const { method, json } = tool!;
  const url = compiler.template(tool!.url);
  const headers = Object.entries(tool!.headers).map(([name, value]) =>
    [name, compiler.template(value)] as const
  );
  const body = tool!.body === undefined ? undefined : compiler.template(tool!.body);
  const fill = json === undefined ? undefined : compileJson(json, compiler);
  return {
    input: (scope) => ({ method, url: url.render(scope) }),
    async run(scope, { run, signal }) {
      const address = allowed(url.render(scope), compiler.allow);
      const given = Object.fromEntries(headers.map(([name, value]) => [name, value.render(scope)]));
      const sent = fill === undefined ? body?.render(scope) : JSON.stringify(fill(scope));
      const type = fill === undefined ? {} : { "content-type": "application/json" };
      const call = { url: address, method, headers: { ...type, ...given }, body: sent };
      const response = await run.calls.callTool(call, signal);
      const answer = await readAnswer(response);
      if (response.status >= 300) {
        throw new ChainError("tool", `the tool answered ${response.status}`, {
          canRetry: response.status === 429 || response.status >= 500,
        });
      }
      return { status: response.status, body: answer };
    },
  };
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

/** JSON in which every text is a template; one that is a single place keeps the value's own type. */
function compileJson(value: unknown, compiler: StepCompiler): (scope: Scope) => unknown {
  if (typeof value === "string") {
    const template = compiler.template(value);
    return (scope) => template.render(scope);
  }
  if (Array.isArray(value)) {
    const items = value.map((item) => compileJson(item, compiler));
    return (scope) => items.map((item) => item(scope));
  }
  if (typeof value === "object" && value !== null) {
    const fields = Object.entries(value).map(([name, item]) => [name, compileJson(item, compiler)] as const);
    return (scope) => Object.fromEntries(fields.map(([name, item]) => [name, item(scope)]));
  }
  return () => value;
}
