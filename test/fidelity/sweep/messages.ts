/** What the sweep must know of Anthropic's Messages beyond its types. The types of its beta hold all others. */
import { type Protocol, sample } from "./protocol.ts";

const hello = { role: "user", content: "Hello" };
const schema = (name: string) => ({
  type: "object",
  properties: { [name]: { type: "string" } },
  required: [name],
  additionalProperties: false,
});
const tool = (name: string) => ({ name, input_schema: schema("city") });
const tools = [tool("sentinel-name"), tool("changed-name")];
const use = (id: string) => ({ type: "tool_use", id, name: "sentinel-name", input: {} });
const asked = { role: "assistant", content: [use("sentinel-tool_use_id"), use("changed-tool_use_id")] };
const result = (id: string) => ({ type: "tool_result", tool_use_id: id, content: "Done." });
const answered = { role: "user", content: [result("sentinel-tool_use_id"), result("changed-tool_use_id")] };
const png =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

export const messages: Protocol = {
  ingress: "messages",
  files: [
    "@anthropic-ai/sdk/resources/beta/messages/messages.d.ts",
    "@anthropic-ai/sdk/resources/messages/messages.d.ts",
    "@anthropic-ai/sdk/resources/beta/beta.d.ts",
  ],
  request: "MessageCreateParams",
  base: { max_tokens: 5_000, messages: [hello, asked, answered, { role: "assistant", content: "Good." }] },
  values: {
    temperature: sample(0.25, 0.5),
    top_p: sample(0.25, 0.5),
    schema: sample(schema("sentinel"), schema("changed")),
    input_schema: sample(schema("sentinel"), schema("changed")),
    url: sample("https://files.example/sentinel.png", "https://files.example/changed.png"),
    "BetaFileDocumentSource.file_id": sample("file_sentinel", "file_changed"),
    "BetaBase64ImageSource.data": sample(png, png.replace("AAAA", "BBBB")),
    "BetaURLPDFSource.url": sample("https://files.example/sentinel.pdf", "https://files.example/changed.pdf"),
    "BetaBase64PDFSource.data": sample("c2VudGluZWw=", "Y2hhbmdlZA=="),
    "MessageCreateParamsBase.betas": sample("sentinel-2026-01-01", "changed-2026-01-01"),
  },
  needs: {
    BetaMetadata: { user_id: "somebody" },
    BetaOutputConfig: { effort: "low" },
    BetaSystemMessageParam: { content: "Hello" },
    "MessageCreateParamsBase.tool_choice": { tools },
  },
  frames: {},
  contexts: {},
  silent: {
    "BetaCacheControlEphemeral.ttl": [{ values: ["5m"], why: "the protocol's own default" }],
    "BetaTool.type": [{ values: ["custom"], why: "the protocol's own default" }],
    "MessageCreateParamsBase.service_tier": [{
      values: ["auto", "standard_only"],
      why: "there is one tier, or the backend's own default",
    }],
    "MessageCreateParamsBase.tool_choice": [{ why: "the model chooses" }],
    "BetaBase64ImageSource.media_type": [{
      backends: ["ollama-native"],
      why: "it looks at the image itself",
    }],
    "BetaThinkingBlockParam.signature": [{
      backends: ["ollama-native", "deepseek"],
      why: "it proves to its maker what the words are, which went on",
    }],
    "BetaToolUseBlockParam.caller": [{ why: "the model is the caller" }],
    "BetaToolUseBlockParam.id": [{ backends: ["vertex"], why: "it knows results by name and order" }],
    "BetaToolResultBlockParam.tool_use_id": [{
      backends: ["vertex"],
      why: "it knows results by name and order",
    }],
  },
  kept: {
    "MessageCreateParamsBase.model": "the gateway chooses by it",
    "MessageCreateParamsNonStreaming.stream": "the answer comes whole",
    "MessageCreateParamsStreaming.stream": "the answer comes in pieces",
  },
  headers: {
    betas: "anthropic-beta",
    user_profile_id: "anthropic-user-profile-id",
    workspace_id: "anthropic-workspace-id",
  },
  aliases: {
    "BetaCacheControlEphemeral.ttl": ["cache_control"],
    BetaMetadata: ["user"],
    "BetaRequestDocumentBlock.title": ["filename"],
    BetaThinkingBlockParam: ["reasoning_details"],
    BetaRedactedThinkingBlockParam: ["reasoning_details"],
    betas: ["anthropic-beta"],
    user_profile_id: ["anthropic-user-profile-id"],
    workspace_id: ["anthropic-workspace-id"],
    disable_parallel_tool_use: ["parallel_tool_calls"],
  },
};
