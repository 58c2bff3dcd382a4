import type { ModelDescription } from "intellirouter/plugin";
import { knownOf, noList } from "../gemini/model-list.ts";
import { asObject, asText, type Loose } from "../hub/loose.ts";

/** One page of Vertex's model garden as descriptions; it tells little more than names, a model once for each version. */
export function describePublished({ publisherModels: models }: Loose): ModelDescription[] {
  if (models === undefined) return [];
  if (!Array.isArray(models)) throw noList();
  const ids = models.map((entry) =>
    asText(asObject(entry).name).replace(/^publishers\/google\/models\//, "")
  );
  return [...new Set(ids)].flatMap((id) => {
    if (/embedding/.test(id)) return [{ id, ownedBy: "google", chat: false, embeddings: true }];
    return /^gemini-/.test(id)
      ? [{ id, ownedBy: "google", chat: true, embeddings: false, ...knownOf(id) }]
      : [];
  });
}
