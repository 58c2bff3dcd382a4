import type { ChatMessage } from "../../schema/chat-completion.ts";
import type { ChainStep } from "../../schema/chain.ts";
import type { StepAction, StepCompiler } from "../compiled-step.ts";
import type { ModelQuestion } from "../contracts.ts";
import type { StepContext } from "../run-context.ts";
import { askModel } from "./ask-model.ts";
import { readJson, type Scope, type ScopedTemplate } from "../values.ts";

/** How a model is asked. */
export interface Asking {
  readonly model: string;
  readonly prompt: string;
  readonly system?: string | undefined;
  readonly temperature?: number | undefined;
  readonly max_tokens?: number | undefined;
  readonly history?: boolean | undefined;
}

/** A question to a model, made ready. */
export interface CompiledQuestion {
  messages(scope: Scope, context: StepContext): ChatMessage[];
  readonly prompt: ScopedTemplate;
  /** @param messages in the place of its own. */
  ask(scope: Scope, context: StepContext, messages?: ChatMessage[]): Promise<string>;
}

export function compileQuestion(
  asking: Asking,
  compiler: StepCompiler,
  schema?: ModelQuestion["schema"],
): CompiledQuestion {
  const prompt = compiler.template(asking.prompt);
  const system = asking.system === undefined ? undefined : compiler.template(asking.system);
  const messages = (scope: Scope, { run }: StepContext): ChatMessage[] => [
    ...(system === undefined ? [] : [{ role: "system" as const, content: system.render(scope) }]),
    ...(asking.history ? run.input.messages : []),
    { role: "user", content: prompt.render(scope) },
  ];
  return {
    messages,
    prompt,
    async ask(scope, context, given) {
      return await askModel({
        model: asking.model,
        messages: given ?? messages(scope, context),
        temperature: asking.temperature,
        maxTokens: asking.max_tokens,
        schema,
      }, context);
    },
  };
}

/** Asks a model. With a schema the answer is read as JSON, and told only when it is whole and fits. */
export function modelStep(step: ChainStep, compiler: StepCompiler): StepAction {
  const { model = "", prompt = "", system, temperature, max_tokens, history, output } = step;
  const question = compileQuestion(
    { model, prompt, system, temperature, max_tokens, history },
    compiler,
    output,
  );
  return {
    input: (scope) => ({ model, prompt: question.prompt.render(scope) }),
    async run(scope, context) {
      if (output === undefined) return await question.ask(scope, context);
      return readJson(await question.ask(scope, { ...context, onText: undefined }));
    },
  };
}
