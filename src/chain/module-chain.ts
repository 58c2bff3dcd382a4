import { ApiError } from "../lib/api-error.ts";
import type { Chain, ChainQuestion, ChainWork } from "../plugin/api/chain.ts";
import { UpstreamError } from "../plugin/api/upstream-error.ts";
import type { ChatMessage } from "../schema/chat-completion.ts";
import type { ChainBody } from "./compiled-step.ts";
import { ChainError } from "./contracts.ts";
import type { StepContext } from "./run-context.ts";
import { runStep, untilAborted } from "./run-steps.ts";
import { askModel } from "./steps/ask-model.ts";
import { callTool } from "./steps/call-tool.ts";
import { searchStores } from "./steps/search-stores.ts";
import { readJson, schemaCheck } from "./values.ts";

/** A chain that is code, with what it may call. */
export function moduleBody(chain: Chain, allow: readonly string[]): ChainBody {
  return async (input, context) => {
    const { messages, system } = context.run.input;
    // What finished steps have told is not told again: the answer of a run that was taken up is told when it is whole.
    const onText = context.run.journal.isTakenUp ? undefined : context.onText;
    const work = workOf({ ...context, onText }, allow);
    const { signal } = context;
    return await withTypedErrors(
      signal,
      () => untilAborted(chain.run({ input, messages, system }, work), signal),
    );
  };
}

function workOf(context: StepContext, allow: readonly string[]): ChainWork {
  const known = new Set<string>();
  return {
    signal: context.signal,
    async step(id, action, options = {}) {
      if (known.has(id)) throw new ChainError("module", `there are two steps "${id}" in one place`);
      known.add(id);
      const output = await runStep(
        {
          id,
          when: undefined,
          timeoutMs: options.timeoutMs,
          retries: options.retries ?? 0,
          maxTokens: options.maxTokens,
          maxCostUsd: options.maxCostUsd,
          output: undefined,
          action: {
            ...(options.input === undefined ? {} : { input: () => options.input }),
            run: async (_scope, inner) =>
              await withTypedErrors(inner.signal, () => action(workOf(inner, allow))) ?? null,
          },
        },
        {},
        context,
      );
      return output as Awaited<ReturnType<typeof action>>;
    },
    ask: (question) => ask(question, context),
    search: ({ maxResults = 5, ...search }) => searchStores({ ...search, maxResults }, context),
    callTool: ({ url, method = "GET", headers = {}, body }) =>
      callTool({ url, method, headers, body }, allow, context),
    say: (text) => {
      if (text !== "") context.onText?.(text);
    },
  };
}

async function ask(question: ChainQuestion, context: StepContext): Promise<unknown> {
  const { model, prompt, messages = [], system, temperature, maxTokens, schema, stream } = question;
  const check = schema === undefined ? undefined : schemaCheck(schema);
  const text = await askModel({
    model,
    messages: [
      ...(system === undefined ? [] : [{ role: "system" as const, content: system }]),
      ...messages as readonly ChatMessage[],
      ...(prompt === undefined ? [] : [{ role: "user" as const, content: prompt }]),
    ],
    temperature,
    maxTokens,
    schema,
  }, stream === true && schema === undefined ? context : { ...context, onText: undefined });
  return check === undefined ? text : check.check(readJson(text), "invalid_output");
}

/** What the code itself has thrown fails its run, and nothing else. */
async function withTypedErrors<Value>(signal: AbortSignal, work: () => Promise<Value>): Promise<Value> {
  try {
    return await work();
  } catch (error) {
    const isTyped = error instanceof ChainError || error instanceof ApiError ||
      error instanceof UpstreamError;
    if (isTyped || signal.aborted) throw error;
    const message = error instanceof Error ? error.message : String(error);
    throw new ChainError("module", `its code has thrown: ${message}`, { cause: error });
  }
}
