/**
 * A chain that is code: it asks for the questions behind a question, answers them at the same time, and writes the answer from theirs.
 *
 *   [plugins]
 *   load = [{ path = "research.ts" }]
 *   [chains.research]
 *   kind = "research"
 *   options = { model = "fast" }
 */
import { definePlugin } from "intellirouter/plugin";
import { z } from "zod";

const questions = {
  type: "object",
  properties: { questions: { type: "array", items: { type: "string" }, minItems: 1 } },
  required: ["questions"],
};

export default definePlugin({
  apiVersion: 1,
  kind: "chain",
  name: "research",
  description: "Answers a question by way of the questions behind it.",
  options: z.strictObject({
    model: z.string().describe("Which model is asked."),
    most: z.number().int().min(1).max(20).default(4).describe("Most questions behind a question."),
  }),
  create: ({ model, most }) => ({
    async run({ input }, work) {
      const plan = await work.step(
        "plan",
        (step) =>
          step.ask({
            model,
            schema: questions,
            prompt: `Which questions must be answered first? As JSON.\n\n${input}`,
          }) as Promise<
            { questions: string[] }
          >,
        { retries: 2 },
      );
      const answers = await Promise.all(
        plan.questions.slice(0, most).map((question, index) =>
          work.step(`answer_${index}`, (step) => step.ask({ model, prompt: question }), {
            input: question,
            retries: 1,
          })
        ),
      );
      return await work.step(
        "write",
        (step) =>
          step.ask({ model, prompt: `${input}\n\nWhat is known:\n${answers.join("\n")}`, stream: true }),
      );
    },
  }),
});
