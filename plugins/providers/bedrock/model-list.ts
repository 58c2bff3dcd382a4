import { UpstreamError } from "intellirouter/plugin";
import type { ModelDescription } from "intellirouter/plugin";
import { asObject, asText, type Loose, objectsOf } from "../hub/loose.ts";

/**
 * What can be asked for: models on demand by their own id, others by the inference profiles that hold them.
 *
 * @param models the answer of ListFoundationModels.
 * @param profiles the answer of ListInferenceProfiles.
 */
export function describeModels(models: unknown, profiles: unknown): ModelDescription[] {
  const { modelSummaries } = asObject(models);
  if (!Array.isArray(modelSummaries)) {
    throw new UpstreamError({ kind: "bad_response", message: "The backend's list of models is no list." });
  }
  const known = new Map(objectsOf(modelSummaries).map((summary) => [asText(summary.modelId), summary]));
  const onDemand = [...known].filter(([id, { inferenceTypesSupported: types }]) =>
    id !== "" && Array.isArray(types) && types.includes("ON_DEMAND")
  ).map(([id, summary]) => describe(id, summary));
  const profiled = objectsOf(asObject(profiles).inferenceProfileSummaries).flatMap((profile) => {
    const id = asText(profile.inferenceProfileId);
    if (id === "" || (profile.status ?? "ACTIVE") !== "ACTIVE") return [];
    const arn = asText(objectsOf(profile.models)[0]?.modelArn);
    return [describe(id, known.get(arn.split("/").at(-1)!) ?? {})];
  });
  return [...onDemand, ...profiled].filter(({ chat, embeddings }) => chat !== false || embeddings === true);
}

function describe(id: string, summary: Loose): ModelDescription {
  const { inputModalities: inputs, outputModalities: outputs, providerName } = summary;
  const lists = (list: unknown, word: string) => Array.isArray(list) && list.includes(word);
  return {
    id,
    ...(typeof providerName === "string" ? { ownedBy: providerName.toLowerCase() } : {}),
    ...(Array.isArray(inputs) ? { vision: lists(inputs, "IMAGE") } : {}),
    ...(Array.isArray(outputs)
      ? { chat: lists(outputs, "TEXT"), embeddings: lists(outputs, "EMBEDDING") }
      : {}),
  };
}
