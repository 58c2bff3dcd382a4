import { UpstreamError } from "intellirouter/plugin";
import type { ModelDescription } from "intellirouter/plugin";
import { asObject, asText, type Loose, objectsOf } from "../hub/loose.ts";

/** Names in the answer of `/api/tags`. */
export function modelNames(tags: unknown): readonly string[] {
  const { models } = asObject(tags);
  if (!Array.isArray(models)) {
    throw new UpstreamError({ kind: "bad_response", message: "The backend's list of models is no list." });
  }
  return objectsOf(models).map(({ model, name }) => asText(model) || asText(name)).filter((name) =>
    name !== ""
  );
}

/**
 * A model by the answer of `/api/show`.
 *
 * @param context what it is loaded with, where the configuration says.
 */
export function describeModel(id: string, show: unknown, context: number | undefined): ModelDescription {
  const { capabilities, model_info: info, parameters } = asObject(show);
  const own = Number(/^num_ctx\s+(\d+)/m.exec(asText(parameters))?.[1] ?? Number.NaN);
  const longest = contextOf(asObject(info));
  const length = context ?? (own > 0 ? own : longest);
  return {
    id,
    ownedBy: "library",
    ...(length === undefined ? {} : { contextLength: Math.min(length, longest ?? length) }),
    ...(Array.isArray(capabilities) ? abilities(capabilities) : {}),
  };
}

function abilities(list: readonly unknown[]): Omit<ModelDescription, "id"> {
  const chat = list.includes("completion");
  return {
    chat,
    embeddings: list.includes("embedding"),
    ...(chat ? { tools: list.includes("tools"), vision: list.includes("vision"), jsonSchema: true } : {}),
  };
}

/** The field is named after the architecture: `llama.context_length`. */
function contextOf(info: Loose): number | undefined {
  const architecture = asText(info["general.architecture"]);
  const length = info[`${architecture}.context_length`];
  return typeof length === "number" && length > 0 ? length : undefined;
}
