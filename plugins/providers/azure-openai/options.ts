import { z } from "zod";

export const azureOpenAiOptions = z.strictObject({
  base_url: z.string()
    .regex(
      /^https?:\/\/[^\s/?#@]+\/?$/,
      'must be the resource\'s endpoint without a path, such as "https://NAME.openai.azure.com"',
    )
    .describe("Endpoint of the resource."),
  api_version: z.string().regex(/^[\w.-]+$/).optional().describe(
    "Uses the classic addresses with this api-version, where a model's name is that of its deployment. Absent: the newer /openai/v1.",
  ),
  authority_url: z.string().regex(/^https?:\/\/[^\s?#@]+$/).default("https://login.microsoftonline.com")
    .describe(
      "Where Entra ID gives tokens; another one in national clouds.",
    ),
  scope: z.string().default("https://cognitiveservices.azure.com/.default").describe(
    "What the tokens are for.",
  ),
});

export type AzureOpenAiOptions = z.output<typeof azureOpenAiOptions>;
