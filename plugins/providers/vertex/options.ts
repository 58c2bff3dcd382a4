import { z } from "zod";
import { geminiModelOptions } from "../gemini/options.ts";
import { openAiCompatibleOptions } from "../openai-compatible/options.ts";

/** Options of a provider for Gemini models on Vertex AI. */
export const vertexOptions = z.strictObject({
  project: z.string().regex(/^[a-z0-9.:-]+$/, "must be the id of a project").optional().describe(
    "Id of the Google Cloud project; that of the credentials when absent.",
  ),
  location: z.string().regex(/^[a-z0-9-]+$/, "must be a location").default("global").describe(
    "Where the models run, such as europe-west4.",
  ),
  base_url: openAiCompatibleOptions.shape.base_url.optional().describe(
    "Another address of the API, without its version; that of the location when absent.",
  ),
  api_version: z.string().regex(/^v\d[\w]*$/).default("v1beta1").describe("Version of the API."),
  auth: z.enum(["secrets", "metadata"]).default("secrets").describe(
    "Where access comes from: the secrets, or the metadata server of the machine on Google Cloud.",
  ),
  ...geminiModelOptions,
});

export type VertexOptions = z.output<typeof vertexOptions>;
