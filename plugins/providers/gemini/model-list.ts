import { UpstreamError } from "intellirouter/plugin";
import type { BackendContext, ModelDescription } from "intellirouter/plugin";
import { asObject, asText, type Loose } from "../hub/loose.ts";

/** Pages that are asked for at most. */
const mostPages = 10;

/** All models that the API lists, page by page. */
export async function listGeminiModels(
  url: string,
  get: (url: string, context: BackendContext) => Promise<unknown>,
  context: BackendContext,
  describe: (page: Loose) => ModelDescription[] = describeModels,
): Promise<ModelDescription[]> {
  const models: ModelDescription[] = [];
  let token = "";
  for (let page = 0; page < mostPages; page++) {
    const query = token === "" ? "" : `&pageToken=${encodeURIComponent(token)}`;
    const answer = asObject(await get(`${url}?pageSize=${pageSize}${query}`, context));
    models.push(...describe(answer));
    token = asText(answer.nextPageToken);
    if (token === "") break;
  }
  return models;
}

/** The most that one page of either service has. */
const pageSize = 200;

/** One page of the Gemini API as descriptions. */
export function describeModels({ models }: Loose): ModelDescription[] {
  if (!Array.isArray(models)) throw noList();
  return models.map(asObject).flatMap((entry) => {
    const id = asText(entry.name).replace(/^models\//, "");
    return id === "" ? [] : [describeModel(id, entry)];
  });
}

export function noList(): UpstreamError {
  return new UpstreamError({ kind: "bad_response", message: "The backend's list of models is no list." });
}

function describeModel(id: string, entry: Loose): ModelDescription {
  const { inputTokenLimit: context, outputTokenLimit: output, supportedGenerationMethods: methods } = entry;
  const can = (method: string) => Array.isArray(methods) && methods.includes(method);
  const chats = can("generateContent");
  return {
    id,
    ownedBy: "google",
    ...(isCount(context) ? { contextLength: context } : {}),
    ...(isCount(output) ? { maxOutputTokens: output } : {}),
    chat: chats,
    embeddings: can("embedContent"),
    ...(chats ? knownOf(id) : {}),
  };
}

/** What is known of a chat model by its name. */
export function knownOf(id: string): Omit<ModelDescription, "id"> {
  const isGeneral = /^gemini-/.test(id) && !/tts|audio|image|live|embedding|robotics|computer-use/.test(id);
  return isGeneral ? { tools: true, vision: true, jsonSchema: true } : {};
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value > 0;
}
