import { definePlugin } from "intellirouter/plugin";
import { bedrockOptions, bedrockSecrets, bedrockVariables } from "./options.ts";

export default definePlugin({
  apiVersion: 1,
  kind: "provider",
  name: "bedrock",
  description: "Models of many makers on AWS Bedrock, by its Converse API.",
  options: bedrockOptions,
  secrets: bedrockSecrets,
  variables: bedrockVariables,
  // Not by an access key: many machines have one that is meant for something else.
  discovery: {
    environment: {
      secrets: { api_key: ["AWS_BEARER_TOKEN_BEDROCK"] },
      options: { region: ["AWS_REGION", "AWS_DEFAULT_REGION"] },
      needs: [["api_key", "region"]],
    },
  },
  priceId: "aws",
  async create(options, host) {
    // Loaded only where it is used: a gateway with one backend has no use for the translations of all others.
    const { createBedrock } = await import("./create-provider.ts");
    return createBedrock(options, host);
  },
});
