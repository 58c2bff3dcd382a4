import { z } from "zod";
import { geminiModelOptions } from "../gemini/options.ts";
import { openAiCompatibleOptions } from "../openai-compatible/options.ts";

export const vertexLocation = z.string().regex(/^[a-z0-9-]+$/, "must be a location");

/** Options of a provider for Gemini models on Vertex AI. */
export const vertexOptions = z.strictObject({
  project: z.string().regex(/^[a-z0-9.:-]+$/, "must be the id of a project").optional().describe(
    "Id of the Google Cloud project; that of the credentials or of GOOGLE_CLOUD_PROJECT when absent.",
  ),
  location: vertexLocation.optional().describe(
    "Where the models run, such as europe-west4. When absent that of GOOGLE_CLOUD_LOCATION, and global without one.",
  ),
  base_url: openAiCompatibleOptions.shape.base_url.optional().describe(
    "Another address of the API, without its version; that of the location when absent.",
  ),
  api_version: z.string().regex(/^v\d[\w]*$/).default("v1beta1").describe("Version of the API."),
  auth: z.enum(["auto", "secrets", "metadata"]).default("auto").describe(
    "Where access comes from: the secrets, or the metadata server of the machine on Google Cloud. auto: the secrets where there are some, and otherwise Google's application default credentials.",
  ),
  ...geminiModelOptions,
});

export type VertexOptions = z.output<typeof vertexOptions>;

/** Variables of Google's tools that are read. */
export const vertexVariables = [
  "GOOGLE_APPLICATION_CREDENTIALS",
  "GOOGLE_CLOUD_PROJECT",
  "GOOGLE_CLOUD_LOCATION",
  "GOOGLE_CLOUD_QUOTA_PROJECT",
  "CLOUDSDK_CONFIG",
  "GCE_METADATA_HOST",
  "HOME",
  "APPDATA",
] as const;
