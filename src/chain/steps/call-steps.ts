import type { ChainStep } from "../../schema/chain.ts";
import type { StepAction, StepCompiler } from "../compiled-step.ts";
import type { Scope } from "../values.ts";
import { callTool } from "./call-tool.ts";
import { searchStores } from "./search-stores.ts";

export function retrieveStep({ retrieve }: ChainStep, compiler: StepCompiler): StepAction {
  const { vector_stores: vectorStores, max_results: maxResults, query } = retrieve!;
  const template = compiler.template(query);
  const searchOf = (scope: Scope) => ({ vectorStores, maxResults, query: template.render(scope) });
  return {
    input: searchOf,
    run: (scope, context) => searchStores(searchOf(scope), context),
  };
}

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
    async run(scope, context) {
      const given = Object.fromEntries(headers.map(([name, value]) => [name, value.render(scope)]));
      const sent = fill === undefined ? body?.render(scope) : JSON.stringify(fill(scope));
      const type = fill === undefined ? {} : { "content-type": "application/json" };
      const call = { url: url.render(scope), method, headers: { ...type, ...given }, body: sent };
      return await callTool(call, compiler.allow, context);
    },
  };
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
