import type { AnyPlugin } from "intellirouter/plugin";
import consoleExporter from "./exporters/console.ts";
import jsonl from "./exporters/jsonl.ts";
import otlp from "./exporters/otlp/index.ts";
import webhook from "./exporters/webhook.ts";
import prometheus from "./exporters/prometheus.ts";
import denyPatterns from "./guardrails/deny-patterns.ts";
import jsonSchema from "./guardrails/json-schema.ts";
import keywords from "./guardrails/keywords.ts";
import maxLength from "./guardrails/max-length.ts";
import moderation from "./guardrails/moderation.ts";
import pii from "./guardrails/pii.ts";
import promptInjection from "./guardrails/prompt-injection.ts";
import secrets from "./guardrails/secrets.ts";
import anthropic from "./providers/anthropic/index.ts";
import azureOpenAi from "./providers/azure-openai/index.ts";
import bedrock from "./providers/bedrock/index.ts";
import deepseek from "./providers/deepseek.ts";
import fireworks from "./providers/fireworks.ts";
import gemini from "./providers/gemini/index.ts";
import groq from "./providers/groq.ts";
import llamaCpp from "./providers/llama-cpp.ts";
import lmStudio from "./providers/lm-studio.ts";
import mistral from "./providers/mistral/index.ts";
import mock from "./providers/mock/index.ts";
import ollamaNative from "./providers/ollama-native/index.ts";
import ollama from "./providers/ollama.ts";
import openAiCompatible from "./providers/openai-compatible/index.ts";
import openai from "./providers/openai.ts";
import openrouter from "./providers/openrouter.ts";
import together from "./providers/together.ts";
import vertex from "./providers/vertex/index.ts";
import vllm from "./providers/vllm.ts";
import xai from "./providers/xai.ts";
import memory from "./stores/memory.ts";
import sqlite from "./stores/sqlite.ts";
import cheapest from "./strategies/cheapest.ts";
import latency from "./strategies/latency.ts";
import leastBusy from "./strategies/least-busy.ts";
import prefixTokens from "./strategies/prefix-tokens.ts";
import priority from "./strategies/priority.ts";
import roundRobin from "./strategies/round-robin.ts";
import sticky from "./strategies/sticky.ts";
import weighted from "./strategies/weighted.ts";
import chromaVectors from "./vectors/chroma.ts";
import sqliteVectors from "./vectors/sqlite.ts";

/** Everything that comes with the gateway. A file of the same kind and name on disk replaces an entry. */
export const builtinPlugins: readonly AnyPlugin[] = [
  openAiCompatible,
  openai,
  anthropic,
  gemini,
  vertex,
  groq,
  mistral,
  deepseek,
  xai,
  together,
  fireworks,
  openrouter,
  azureOpenAi,
  bedrock,
  ollama,
  ollamaNative,
  llamaCpp,
  lmStudio,
  vllm,
  mock,
  priority,
  weighted,
  roundRobin,
  leastBusy,
  latency,
  cheapest,
  sticky,
  prefixTokens,
  memory,
  sqlite,
  sqliteVectors,
  chromaVectors,
  prometheus,
  otlp,
  jsonl,
  webhook,
  consoleExporter,
  denyPatterns,
  jsonSchema,
  keywords,
  maxLength,
  moderation,
  pii,
  promptInjection,
  secrets,
];
