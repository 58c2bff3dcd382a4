import { definePlugin } from "intellirouter/plugin";
import { azureOpenAiOptions } from "./options.ts";

/** OpenAI's models in Azure: the same protocol at other addresses, known by other credentials. */
export default definePlugin({
  apiVersion: 1,
  kind: "provider",
  name: "azure-openai",
  description: "Azure OpenAI, by key or by Entra ID.",
  options: azureOpenAiOptions,
  secrets: ["api_key", "access_token", "tenant_id", "client_id", "client_secret"],
  priceId: "azure",
  discovery: {
    environment: {
      secrets: {
        api_key: ["AZURE_OPENAI_API_KEY"],
        tenant_id: ["AZURE_TENANT_ID"],
        client_id: ["AZURE_CLIENT_ID"],
        client_secret: ["AZURE_CLIENT_SECRET"],
      },
      options: { base_url: ["AZURE_OPENAI_ENDPOINT"], api_version: ["OPENAI_API_VERSION"] },
      needs: [["api_key", "base_url"], ["tenant_id", "client_id", "client_secret", "base_url"]],
    },
  },
  async create(options, host) {
    // Loaded only where it is used: a gateway with one backend has no use for the translations of all others.
    const { createAzureOpenAi } = await import("./create-provider.ts");
    return createAzureOpenAi(options, host);
  },
});
