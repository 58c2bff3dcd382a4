import { UpstreamError } from "intellirouter/plugin";
import type { BackendContext, ModelDescription } from "intellirouter/plugin";
import { asObject, asText, type Loose } from "../hub/loose.ts";

/** Pages that are asked for at most. */
const mostPages = 10;

/** All models that the API lists, page by page. */
export async function listAnthropicModels(
  url: string,
  get: (url: string, context: BackendContext) => Promise<unknown>,
  context: BackendContext,
): Promise<ModelDescription[]> {
  const models: ModelDescription[] = [];
  let after = "";
  for (let page = 0; page < mostPages; page++) {
    const query = after === "" ? "" : `&after_id=${encodeURIComponent(after)}`;
    const answer = asObject(await get(`${url}?limit=1000${query}`, context));
    models.push(...describeModels(answer));
    after = asText(answer.last_id);
    if (answer.has_more !== true || after === "") break;
  }
  return models;
}

/** One page as descriptions. Models that are no longer served stay in the API's list, and are left out of this one. */
export function describeModels(page: Loose): ModelDescription[] {
  if (!Array.isArray(page.data)) {
    throw new UpstreamError({ kind: "bad_response", message: "The backend's list of models is no list." });
  }
  return page.data.map(asObject).filter(({ id, lifecycle }) => asText(id) !== "" && lifecycle !== "retired")
    .map(describe);
}

function describe(entry: Loose): ModelDescription {
  const created = Date.parse(asText(entry.created_at)) / 1000;
  const { max_input_tokens: context, max_tokens: output } = entry;
  const capabilities = asObject(entry.capabilities);
  const { supported: sees } = asObject(capabilities.image_input);
  return {
    id: asText(entry.id),
    ownedBy: "anthropic",
    // Of an unknown day the API says the epoch.
    ...(created > 0 ? { created: Math.floor(created) } : {}),
    ...(isCount(context) ? { contextLength: context } : {}),
    ...(isCount(output) ? { maxOutputTokens: output } : {}),
    ...(typeof sees === "boolean" ? { vision: sees } : {}),
    chat: true,
    embeddings: false,
    tools: true,
    jsonSchema: true,
  };
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value > 0;
}
