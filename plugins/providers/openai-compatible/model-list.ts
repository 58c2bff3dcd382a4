import { UpstreamError } from "intellirouter/plugin";
import type { ModelDescription } from "intellirouter/plugin";

type Loose = Readonly<Record<string, unknown>>;

/** A `/models` answer as descriptions. Servers add what they know under various names; what is not there stays unknown. */
export function describeModels(value: unknown): ModelDescription[] {
  const list = Array.isArray(value) ? value : (value as Loose | null)?.data;
  if (!Array.isArray(list)) {
    throw new UpstreamError({ kind: "bad_response", message: "The backend's list of models is no list." });
  }
  return list.flatMap((entry: Loose) =>
    typeof entry?.id === "string" && entry.id !== "" ? [describe(entry, entry.id)] : []
  );
}

function describe(entry: Loose, id: string): ModelDescription {
  const contextLength = firstCount(entry, [
    "context_length",
    "context_window",
    "max_model_len",
    "max_context_length",
    "max_context_window_tokens",
  ]) ??
    firstCount((entry.meta ?? {}) as Loose, ["n_ctx_train"]);
  const maxOutputTokens = firstCount(entry, ["max_completion_tokens", "max_output_tokens"]) ??
    firstCount((entry.top_provider ?? {}) as Loose, ["max_completion_tokens"]);
  const type = typeof entry.type === "string" ? entry.type : undefined;
  const capabilities = (entry.capabilities ?? {}) as Loose;
  const parameters = entry.supported_parameters;
  const inputs = ((entry.architecture ?? {}) as Loose).input_modalities;
  return {
    id,
    ...(Number.isInteger(entry.created) ? { created: entry.created as number } : {}),
    ...(typeof entry.owned_by === "string" ? { ownedBy: entry.owned_by } : {}),
    ...(contextLength === undefined ? {} : { contextLength }),
    ...(maxOutputTokens === undefined ? {} : { maxOutputTokens }),
    ...(type === "embedding" || type === "embeddings" ? { chat: false, embeddings: true } : {}),
    ...(type === "llm" || type === "vlm" || type === "chat" ? { embeddings: false } : {}),
    ...(type === "vlm" ? { vision: true } : {}),
    ...(Array.isArray(parameters)
      ? { tools: parameters.includes("tools"), jsonSchema: parameters.includes("structured_outputs") }
      : {}),
    ...(Array.isArray(inputs) ? { vision: inputs.includes("image") } : {}),
    ...(capabilities.completion_chat === false ? { chat: false } : {}),
    ...(typeof capabilities.function_calling === "boolean" ? { tools: capabilities.function_calling } : {}),
    ...(typeof capabilities.vision === "boolean" ? { vision: capabilities.vision } : {}),
  };
}

function firstCount(entry: Loose, names: readonly string[]): number | undefined {
  for (const name of names) {
    const value = entry[name];
    if (typeof value === "number" && Number.isInteger(value) && value > 0) return value;
  }
  return undefined;
}
