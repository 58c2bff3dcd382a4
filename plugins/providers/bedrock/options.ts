import { z } from "zod";
import { claudeOptions } from "../anthropic/options.ts";
import { openAiCompatibleOptions } from "../openai-compatible/options.ts";

const { base_url: address, headers } = openAiCompatibleOptions.shape;

export const bedrockRegion = z.string().regex(
  /^[a-z]{2}(-[a-z]+)+-\d$/,
  'must be an AWS region such as "eu-central-1"',
);

/** Options of AWS Bedrock's Converse API. */
export const bedrockOptions = z.strictObject({
  region: bedrockRegion.optional().describe(
    "The AWS region whose Bedrock is asked. When absent that of AWS_REGION, AWS_DEFAULT_REGION or the profile, and us-east-1 without any.",
  ),
  profile: z.string().min(1).optional().describe(
    "The profile of AWS's shared files that gives access, and nothing else does. When absent it is looked for where AWS's tools look, beginning with the environment.",
  ),
  base_url: address.optional().describe(
    "Address of the runtime, where it is another than the region's public one (a VPC endpoint).",
  ),
  control_url: address.optional().describe(
    "Address of the control plane, which lists models, where it is another than the region's public one.",
  ),
  headers: headers.describe("Further request headers; they are not signed."),
  default_max_tokens: z.number().int().min(1).optional().describe(
    "Longest answer, in tokens, where a request sets no limit. What Bedrock takes when absent.",
  ),
  guardrail: z.strictObject({
    identifier: z.string().min(1).describe("Id or ARN of the guardrail."),
    version: z.string().min(1).default("DRAFT").describe("Its version."),
    trace: z.enum(["enabled", "disabled", "enabled_full"]).default("disabled").describe(
      "Whether Bedrock tells what the guardrail found.",
    ),
  }).optional().describe("A Bedrock guardrail through which every chat goes."),
  embedding_input_type: z.enum(["search_document", "search_query", "classification", "clustering"])
    .default("search_document").describe(
      "What embeddings of Cohere's models are for, where a request does not say so in `input_type`.",
    ),
  ...claudeOptions,
});

export type BedrockOptions = z.output<typeof bedrockOptions>;

/** The secrets that a configuration may give: an API key, or a pair of access keys with or without a session. */
export const bedrockSecrets = ["api_key", "access_key_id", "secret_access_key", "session_token"] as const;

/** Variables of AWS's tools that are read here; AWS's library reads further ones. */
export const bedrockVariables = [
  "AWS_BEARER_TOKEN_BEDROCK",
  "AWS_REGION",
  "AWS_DEFAULT_REGION",
  "AWS_PROFILE",
  "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
  "AWS_CONTAINER_CREDENTIALS_FULL_URI",
  "AWS_EC2_METADATA_DISABLED",
] as const;
