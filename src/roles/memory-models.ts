import type { Principal } from "../auth/principal.ts";
import type { ModelCaller } from "../gateway/internal-call.ts";
import type { MemoryModels } from "../memory/contracts.ts";
import { modelVectors } from "./model-vectors.ts";

/** The request, or the work in the background, that models are asked for. */
export interface MemoryOccasion {
  readonly principal: Principal;
  readonly requestId: string;
  readonly decisionId: string;
  readonly depth: number;
  readonly signal: AbortSignal;
}

/** Memory's calls of models: as the caller's own they are authorised, limited, paid for and recorded. */
export function memoryModels(caller: ModelCaller, occasion: MemoryOccasion): MemoryModels {
  const context = { ...occasion, purpose: "memory" };
  return {
    async write(model, { instructions, text }, schema) {
      const { choices } = await caller.chat({
        model,
        messages: [{ role: "system", content: instructions }, { role: "user", content: text }],
        response_format: { type: "json_schema", json_schema: { ...schema, strict: true } },
      }, context);
      const content = choices[0]?.message.content;
      if (!content) throw new Error(`the model ${model} wrote nothing`);
      return content;
    },

    embed: (model, texts) => modelVectors(caller, model, texts, context),
  };
}
