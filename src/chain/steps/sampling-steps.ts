import type { ChainStep } from "../../schema/chain.ts";
import type { StepAction, StepCompiler } from "../compiled-step.ts";
import { ChainError } from "../contracts.ts";
import type { StepContext } from "../run-context.ts";
import type { Scope } from "../values.ts";
import { type CompiledQuestion, compileQuestion } from "./model-step.ts";

/** All answers of a model that is asked several times; those that failed are left out, unless all did. */
async function sample(
  question: CompiledQuestion,
  count: number,
  scope: Scope,
  context: StepContext,
): Promise<string[]> {
  const silent = { ...context, onText: undefined };
  const asked = await Promise.allSettled(Array.from({ length: count }, () => question.ask(scope, silent)));
  const answers = asked.flatMap((each) => each.status === "fulfilled" ? [each.value] : []);
  if (answers.length > 0) return answers;
  throw (asked[0] as PromiseRejectedResult).reason;
}

/** The answer that came most often; of several the one that came first. Case, and space around it, make no difference. */
export function voteStep({ vote }: ChainStep, compiler: StepCompiler): StepAction {
  const { samples, ...asking } = vote!;
  const question = compileQuestion(asking, compiler);
  return {
    input: (scope) => ({ model: asking.model, samples, prompt: question.prompt.render(scope) }),
    async run(scope, context) {
      const answers = await sample(question, samples, scope, context);
      const counts = Map.groupBy(answers, (answer) => answer.trim().toLowerCase());
      return [...counts.values()].reduce((best, same) => same.length > best.length ? same : best)[0]!.trim();
    },
  };
}

const judging =
  "Several answers to the same question follow. Say which one is the best by its number alone, and nothing else.";

/** The answer that a judge finds best; the first where the judge names none. */
export function bestOfStep({ best_of: best }: ChainStep, compiler: StepCompiler): StepAction {
  const { samples, judge, ...asking } = best!;
  const question = compileQuestion(asking, compiler);
  const referee = compileQuestion(
    { model: judge.model, prompt: judge.prompt ?? judging, temperature: 0 },
    compiler,
  );
  return {
    input: (scope) => ({ model: asking.model, samples, prompt: question.prompt.render(scope) }),
    async run(scope, context) {
      const answers = await sample(question, samples, scope, context);
      if (answers.length === 1) return answers[0];
      const listed = answers.map((answer, index) => `<answer number="${index + 1}">\n${answer}\n</answer>`);
      const verdict = await referee.ask(scope, { ...context, onText: undefined }, [
        { role: "system", content: referee.prompt.render(scope) },
        {
          role: "user",
          content: `Question:\n${question.prompt.render(scope)}\n\n${
            listed.join("\n")
          }\n\nThe number of the best answer:`,
        },
      ]);
      const number = Number(/\d+/.exec(verdict)?.[0] ?? 1);
      const chosen = answers[number - 1] ?? answers[0];
      if (chosen === undefined) throw new ChainError("invalid_output", "there is no answer to choose from");
      return chosen;
    },
  };
}
