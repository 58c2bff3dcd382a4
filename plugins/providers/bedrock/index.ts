import { definePlugin } from "intellirouter/plugin";
import { bedrockSecrets } from "./bedrock-client.ts";
import { createBedrock } from "./create-provider.ts";
import { bedrockOptions } from "./options.ts";

export default definePlugin({
  apiVersion: 1,
  kind: "provider",
  name: "bedrock",
  description: "Models of many makers on AWS Bedrock, by its Converse API.",
  options: bedrockOptions,
  secrets: bedrockSecrets,
  priceId: "aws",
  create: createBedrock,
});
