import type { ModelQuestion } from "../contracts.ts";
import type { StepContext } from "../run-context.ts";

/** Asks a model within what a step may still use. */
export async function askModel(
  question: ModelQuestion,
  { ceiling, signal, onText, run }: StepContext,
): Promise<string> {
  ceiling.check();
  const left = ceiling.tokensLeft;
  const maxTokens = left === Infinity ? question.maxTokens : Math.min(question.maxTokens ?? left, left);
  const reply = await run.calls.ask({ ...question, maxTokens }, signal, onText);
  ceiling.spend(reply);
  return reply.text;
}
