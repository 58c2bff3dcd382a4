import type { LoadedSettings } from "../config/load-settings.ts";
import { memoryStages } from "../gateway/memory/memory-stages.ts";
import type { GatewayRetrieval } from "../gateway/retrieval/gateway-retrieval.ts";
import { fileSearchStage } from "../gateway/retrieval/file-search-stage.ts";
import { retrievalStage } from "../gateway/retrieval/retrieval-stage.ts";
import { hiddenTextStage } from "../gateway/stages/hidden-text-stage.ts";
import type { Stage } from "../gateway/stages/stage.ts";
import { MemoryPolicies } from "../memory/policies.ts";
import { RetrievalPolicies } from "../rag/policies.ts";
import type { GuardrailRule } from "../persona/guardrails/guarded-exchange.ts";
import type { Persona } from "../persona/persona.ts";
import { guardrailStages } from "./compose-guardrails.ts";
import { personaStages } from "./compose-personas.ts";
import type { SharedServices } from "./shared-services.ts";

/** Persona and guardrails stand between memory's two parts, retrieval behind them. */
export function composeStages(
  loaded: LoadedSettings,
  personas: ReadonlyMap<string, Persona>,
  guardrails: readonly GuardrailRule[],
  { memory, retrieval, clock, models }: SharedServices,
): readonly Stage[] {
  const policies = new MemoryPolicies(loaded.settings);
  const first = loaded.settings.hidden_text.input ? [hiddenTextStage] : [];
  const between = [
    ...personaStages(personas, loaded, clock),
    ...guardrailStages(guardrails, loaded, clock, models),
  ];
  const behind = retrieval === undefined ? [] : retrievalStages(retrieval, loaded);
  if (memory === undefined || !policies.isUsed) return [...first, ...between, ...behind];
  const { write, recall } = memoryStages(memory, policies);
  return [...first, write, ...between, recall, ...behind];
}

function retrievalStages(retrieval: GatewayRetrieval, { settings }: LoadedSettings): readonly Stage[] {
  const policies = new RetrievalPolicies(settings);
  const tool = fileSearchStage(retrieval, settings.retrieval.file_search_tokens);
  return policies.isUsed ? [retrievalStage(retrieval, policies), tool] : [tool];
}
