/**
 * The configuration file. One schema gives the types, the error messages, the reference page
 * (`docs/reference/configuration.md`), and the JSON Schema (`intellirouter config schema`).
 *
 * Options of a plugin (everything in a `[[providers]]` entry beside the fields named here, and
 * `strategy_options`) are checked by the plugin's own schema when it is created.
 */
import { z } from "zod";
import { memoryPolicySchema, memorySchema } from "./memory.ts";
import { retrievalPolicySchema, retrievalSchema } from "./retrieval.ts";
import { secretSourceSchema, telemetrySchema } from "./telemetry-settings.ts";
import {
  accountName,
  budgetSchema,
  keyFieldsSchema,
  limitsSchema,
  organisationFieldsSchema,
  permissionSchema,
  teamFieldsSchema,
} from "./account.ts";
import { guardrailNames, guardrailSchema, hiddenTextSchema } from "./guardrail.ts";
import { personaName, personasSettingsSchema } from "./persona.ts";
import { chainsSettingsSchema } from "./chain.ts";

const milliseconds = (description: string) =>
  z.number().int().min(0).max(86_400_000).describe(`${description}, in milliseconds.`);
const port = z.number().int().min(0).max(65_535);
const name = z.string().regex(
  /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/,
  "must be 1 to 64 letters, digits, dots, dashes or underscores",
);

const listenAddress = z.string().regex(
  /^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+):(\d{1,4}|[1-5]\d{4}|6[0-4]\d{3}|65[0-4]\d{2}|655[0-2]\d|6553[0-5])$/,
  'must be "host:port", such as "127.0.0.1:9090", with a port of at most 65535',
);

export const serverSchema = z.strictObject({
  host: z.string().min(1).default("127.0.0.1").describe(
    "Address to listen on. Any address but loopback asks for an API key (see [auth]).",
  ),
  port: port.default(8000).describe("Port to listen on; 0 lets the system choose one."),
  allowed_hosts: z.array(z.string().min(1)).default([]).describe(
    "Host names that requests may carry in their Host header; empty allows every well-formed one.",
  ),
  trusted_proxies: z.array(z.union([z.cidrv4(), z.cidrv6(), z.ipv4(), z.ipv6()])).default([]).describe(
    "Addresses of proxies whose X-Forwarded-For tells where a request comes from, such as `10.0.0.0/8`. Only keys with ip_ranges ask for it.",
  ),
  max_body_bytes: z.number().int().min(1024).max(1_073_741_824).default(33_554_432).describe(
    "Largest request body, before and after decompression.",
  ),
  max_json_depth: z.number().int().min(4).max(512).default(64).describe(
    "Deepest nesting of a JSON request body.",
  ),
  idle_timeout_seconds: z.number().int().min(1).max(255).default(30).describe(
    "Seconds after which a quiet connection is closed; lifted while an inference request runs.",
  ),
  heartbeat_ms: milliseconds(
    "Longest silence within a stream before an empty chunk is sent to keep it open; 0 sends none",
  ).default(15_000),
  response_model: z.enum(["upstream", "requested"]).default("upstream").describe(
    "Whether the `model` field of answers names the model that ran or the name the client asked for.",
  ),
  max_concurrent_requests: z.number().int().min(1).max(1_000_000).default(16_384).describe(
    "Inference requests in flight at once; further ones get 503 with retry-after.",
  ),
  admin_listen: listenAddress.optional().describe(
    "Address of a listener of its own for /admin, such as 127.0.0.1:8001; the main one then has no /admin.",
  ),
  metrics_listen: listenAddress.optional().describe(
    "Address of a listener of its own for /metrics, such as 127.0.0.1:9090. It asks for no key; the main one then has no /metrics.",
  ),
}).describe("The listener.");

export const corsSchema = z.strictObject({
  origins: z.array(z.string().min(1)).default([]).describe(
    'Origins of browser pages that may call the gateway, such as "https://chat.example.org"; "*" allows every page. Empty: CORS is off.',
  ),
  max_age_seconds: z.number().int().min(0).max(86_400).default(600).describe(
    "Seconds for which browsers may keep a preflight answer.",
  ),
}).describe("Access from browser pages.");

export const loggingSchema = z.strictObject({
  level: z.enum(["debug", "info", "warn", "error", "silent"]).default("info").describe(
    "Least severe level that is written.",
  ),
  format: z.enum(["auto", "json", "pretty"]).default("auto").describe(
    "One JSON object a line, or text for people; `auto` is pretty on a terminal.",
  ),
  access: z.boolean().default(true).describe("Write one line for every request."),
  prompts: z.boolean().default(false).describe(
    "Write request texts at debug level. They may hold personal data: leave this off in production.",
  ),
}).describe("Logs, written to standard error.");

export const authKeySchema = keyFieldsSchema.extend({
  id: accountName.describe("Name of the key in logs, decisions and limits."),
  hash: z.string().regex(
    /^sha256:[0-9a-f]{64}$/,
    'must be "sha256:" and 64 hexadecimal digits, as `intellirouter config hash-key` prints',
  ).describe("SHA-256 of the key, as `intellirouter config hash-key` prints it."),
}).describe("A static API key. `intellirouter keys create` makes keys without a configuration.");

export const issuerSchema = z.strictObject({
  name: accountName.describe("Begins the ids of its callers in logs and books: `name:subject`."),
  issuer: z.string().min(1).describe("The `iss` of its tokens, to the letter."),
  audience: z.string().min(1).describe("What must be among the `aud` of its tokens."),
  jwks_url: z.url({ protocol: /^https?$/ }).optional().describe("Where its public keys are."),
  jwks_file: z.string().min(1).optional().describe(
    "File that holds its public keys, relative to the configuration file.",
  ),
  algorithms: z.array(
    z.enum(["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]),
  )
    .min(1).default(["RS256", "ES256"]).describe("Signatures that are taken. Never a shared secret."),
  clock_skew_seconds: z.number().int().min(0).max(300).default(30).describe(
    "By how much its clock may differ from ours.",
  ),
  default_roles: z.array(accountName).max(16).default(["developer"]).describe(
    "Roles of those whose token names none.",
  ),
  limits: limitsSchema.optional().describe("Limits of each of its callers."),
  budget: budgetSchema.optional().describe("Budget of each of its callers."),
  claims: z.strictObject({
    id: z.string().min(1).default("sub").describe("Who the caller is."),
    roles: z.string().min(1).optional().describe(
      "Roles, as a list or separated by spaces; unknown ones count for nothing.",
    ),
    team: z.string().min(1).optional().describe("The team whose limits and budget count."),
    tenant: z.string().min(1).optional().describe("Whose data it is; each caller has his own when absent."),
    models: z.string().min(1).optional().describe("Targets, as `models` of a key."),
  }).prefault({}).describe("Which claims of a token say what."),
}).refine((issuer) => (issuer.jwks_url === undefined) !== (issuer.jwks_file === undefined), {
  error: "must have either jwks_url or jwks_file",
}).describe("An OpenID Connect issuer whose tokens are taken in the place of keys.");

export const authSchema = z.strictObject({
  mode: z.enum(["auto", "required", "none"]).default("auto").describe(
    "`auto`: on a loopback address no key is needed while none exists; on any other address the first start makes one admin key, prints it once and asks for it from then on. `required`: always ask. `none`: never ask.",
  ),
  keys: z.array(authKeySchema).default([]).describe("Static keys."),
  teams: z.array(teamFieldsSchema.extend({ id: accountName })).default([]).describe(
    "Teams, which keys belong to. Limits and budgets of a team are shared by its keys.",
  ),
  organisations: z.array(organisationFieldsSchema.extend({ id: accountName })).default([]).describe(
    "Organisations, which teams belong to.",
  ),
  roles: z.array(z.strictObject({
    name: accountName,
    permissions: z.array(permissionSchema).min(1).describe("What keys with this role may do."),
  })).default([]).describe("Roles beside `admin`, `operator`, `developer`, `viewer` and `service`."),
  issuers: z.array(issuerSchema).default([]),
}).describe(
  "Who may call. Keys can also come from the environment: INTELLIROUTER_API_KEYS, separated by commas, and INTELLIROUTER_ADMIN_KEY.",
);

export const timeoutsSchema = z.strictObject({
  first_token_ms: milliseconds("Longest wait for the first token of a stream").optional(),
  whole_ms: milliseconds("Longest wait for one target's whole answer, where it is not streamed").optional(),
  idle_ms: milliseconds("Longest silence between two pieces of a stream").optional(),
  total_ms: milliseconds("Longest time for the whole request, every retry and fallback included").optional(),
});

/** Fields of a `[[providers]]` entry that belong to the gateway; every other one is an option of the plugin. */
export const providerSchema = z.looseObject({
  name: name.describe('Its models are addressed as "name/model".'),
  kind: z.string().min(1).describe('The provider plugin, such as "openai-compatible".'),
  api_key: z.string().min(1).optional().describe("The key itself. Prefer api_key_env or api_key_file."),
  api_key_env: z.string().min(1).optional().describe("Environment variable that holds the key."),
  api_key_file: z.string().min(1).optional().describe(
    "File that holds the key; a name without a slash is looked up in $CREDENTIALS_DIRECTORY first.",
  ),
  secrets: z.record(z.string(), secretSourceSchema).optional().describe(
    'Further secrets of the plugin by name, such as secret_access_key = { env = "AWS_SECRET_ACCESS_KEY" }.',
  ),
  models: z.array(z.string().min(1)).optional().describe(
    "Models to offer; the backend is then not asked for its list.",
  ),
  list_models: z.boolean().default(true).describe("Ask the backend for its models, in the background."),
}).describe("A model backend. Fields beside these are options of the plugin.");

export const capabilitiesSchema = z.strictObject({
  tools: z.boolean().optional().describe("Takes tool definitions."),
  vision: z.boolean().optional().describe("Takes images."),
  json_schema: z.boolean().optional().describe("Takes response_format of type json_schema."),
  embeddings: z.boolean().optional().describe("Serves /v1/embeddings."),
  chat: z.boolean().optional().describe("Serves /v1/chat/completions."),
  context_length: z.number().int().min(1).optional().describe("Context window in tokens."),
  max_output_tokens: z.number().int().min(1).optional().describe("Most tokens of one answer."),
});

export const priceSchema = z.strictObject({
  input: z.number().min(0).describe("US dollars for one million prompt tokens."),
  output: z.number().min(0).describe("US dollars for one million answer tokens."),
  cached_input: z.number().min(0).optional().describe(
    "US dollars for one million prompt tokens read from the backend's cache; the price of input when absent.",
  ),
  cache_write: z.number().min(0).optional().describe(
    "US dollars for one million prompt tokens written to the backend's cache; the price of input when absent.",
  ),
  per_request: z.number().min(0).optional().describe(
    "US dollars for each request, beside its tokens: images, speech, and whatever is not counted in tokens.",
  ),
});

export const modelSchema = z.strictObject({
  id: z.string().min(1).max(256).describe(
    'A name that clients ask for; listed in /v1/models. The form "provider/model" describes that model instead of naming a new one.',
  ),
  target: z.string().min(1).optional().describe('The model it stands for, as "provider/model".'),
  capabilities: capabilitiesSchema.optional().describe(
    "What the model can do, where the gateway does not know or is wrong.",
  ),
  price: priceSchema.optional().describe("Overrides the built-in price data."),
  limits: limitsSchema.optional(),
  memory: memoryPolicySchema.optional(),
  retrieval: retrievalPolicySchema.optional(),
  persona: personaName.optional().describe("The persona of requests for this name."),
  guardrails: guardrailNames.optional().describe("Guardrails of requests for this name."),
}).describe("An alias, or facts about a model.");

export const targetSchema = z.union([
  z.string().min(1),
  z.strictObject({
    target: z.string().min(1).describe(
      '"provider/model", an alias, or "provider/*" which hands the asked-for name on.',
    ),
    weight: z.number().min(0).max(1_000_000).default(1).describe(
      "Share among the targets, for strategies that use one; 0 takes no first tries.",
    ),
    first_token_ms: milliseconds("Overrides timeouts.first_token_ms for this target").optional(),
  }),
]);

export const routeSchema = z.strictObject({
  name: z.string().min(1).max(256).describe(
    'The model name that clients ask for; "*" serves every name that nothing else has. Several routes may share a name: the first whose `when` holds serves.',
  ),
  when: z.string().min(1).optional().describe("A CEL condition over the request; absent means always."),
  strategy: z.string().min(1).default("priority").describe("The strategy plugin that orders the targets."),
  strategy_options: z.record(z.string(), z.unknown()).default({}).describe("Options of the strategy plugin."),
  targets: z.array(targetSchema).min(1).describe(
    'Where the request may go: "provider/model" or { target, weight }.',
  ),
  retries: z.number().int().min(0).max(10).optional().describe("Overrides [routing] retries."),
  timeouts: timeoutsSchema.optional().describe("Overrides [routing.timeouts]."),
  on_loss: z.enum(["warn", "reject"]).optional().describe(
    "Overrides [routing] on_loss.",
  ),
  cache: z.strictObject({
    ttl_seconds: z.number().int().min(1).max(31_536_000).describe(
      "Seconds for which an answer is given again.",
    ),
  }).optional().describe(
    "Keep whole answers and give them again for the very same request of the same tenant. A request with `cache-control: no-cache` is answered anew, one with `no-store` is not kept.",
  ),
  memory: memoryPolicySchema.optional(),
  retrieval: retrievalPolicySchema.optional(),
  persona: personaName.optional().describe("The persona of its requests."),
  guardrails: guardrailNames.optional().describe("Guardrails of its requests."),
  max_price: priceSchema.pick({ input: true, output: true }).partial().optional().describe(
    "Targets dearer than this (or of unknown price) are left out.",
  ),
}).describe("A rule that maps a name to targets.");

export const routingSchema = z.strictObject({
  retries: z.number().int().min(0).max(10).default(2).describe(
    "Most retries on one target, beside its first try.",
  ),
  retry_budget: z.number().min(0).max(1).default(0.2).describe(
    "Share of the recent requests to a target that may be retries.",
  ),
  retry_budget_min: z.number().int().min(0).max(1000).default(3).describe(
    "Retries that are allowed in any 10 seconds, whatever the share.",
  ),
  backoff_base_ms: milliseconds("Upper bound of the first delay between tries; it doubles, with full jitter")
    .default(250),
  backoff_max_ms: milliseconds("Upper bound of any delay between tries").default(5_000),
  on_loss: z.enum(["warn", "reject"]).default("warn").describe(
    "When a target's protocol cannot carry a part of the request: note it in the decision record, or pass the target over.",
  ),
  hints: z.boolean().default(true).describe(
    "Let requests narrow the choice of targets by x-intellirouter-only, -ignore, -max-price-input and -max-price-output.",
  ),
  timeouts: z.strictObject({
    first_token_ms: milliseconds("Longest wait for the first token of a stream; 0 is none").default(120_000),
    whole_ms: milliseconds(
      "Longest wait for one target's whole answer, where it is not streamed; 0: an equal share of what is left of total_ms for each target that is still to be tried",
    ).default(0),
    idle_ms: milliseconds("Longest silence between two pieces of a stream; 0 is none").default(120_000),
    total_ms: milliseconds("Longest time for a whole request, every retry and fallback included; 0 is none")
      .default(600_000),
  }).prefault({}).describe("Time limits of every request."),
  breaker: z.strictObject({
    failures: z.number().int().min(1).max(1000).default(5).describe(
      "Failures in a row that open a target's circuit.",
    ),
    open_ms: milliseconds(
      "Time for which an opened circuit lets nothing through, doubled at each renewed failure",
    ).default(10_000),
    max_open_ms: milliseconds("Longest such time").default(300_000),
  }).prefault({}).describe("The circuit breaker of every target."),
}).describe("How requests find a backend.");

export const discoverySchema = z.strictObject({
  environment: z.enum(["auto", "on", "off"]).default("auto").describe(
    "Add a provider for every vendor whose key is in the environment; `auto`: only while no [[providers]] are configured.",
  ),
  local: z.enum(["auto", "on", "off"]).default("auto").describe(
    "Look for model servers on this machine's loopback ports; `auto`: only while no [[providers]] are configured.",
  ),
  mock: z.enum(["auto", "on", "off"]).default("auto").describe(
    "Serve mock-llama, which makes its answers up; `auto`: only while no [[providers]] are configured and, with a configuration file, no vendor's key is in the environment.",
  ),
}).describe("What is served without being configured.");

export const decisionsSchema = z.strictObject({
  max_records: z.number().int().min(0).max(100_000_000).default(100_000).describe(
    "Decision records kept; the oldest go first. 0 keeps none.",
  ),
  max_age_hours: z.number().min(0).max(87_600).default(168).describe(
    "Hours after which a decision record goes; 0 keeps them whatever their age.",
  ),
}).describe("The log of routing decisions, read at /admin/v1/decisions.");

export const pluginFileSchema = z.strictObject({
  path: z.string().min(1).describe("A .ts, .js or .mjs module, relative to the configuration file."),
  sha256: z.string().regex(/^[0-9a-f]{64}$/, "must be 64 hexadecimal digits").optional().describe(
    "The file is refused unless its SHA-256 is this.",
  ),
});

export const pluginsSchema = z.strictObject({
  directory: z.string().min(1).optional().describe(
    "Every module directly in this folder is loaded. Relative to the configuration file; only its owner may be able to write it.",
  ),
  load: z.array(pluginFileSchema).default([]).describe("Single modules to load."),
}).describe("Plugins from disk. They are trusted code.");

export const downloadsSchema = z.strictObject({
  allow_private_hosts: z.boolean().default(false).describe(
    "Also fetch from this machine and private networks. Whoever holds a key could then read what only this machine reaches.",
  ),
  max_bytes: z.number().int().min(1024).max(1_073_741_824).default(20_971_520).describe("Largest file."),
  timeout_ms: milliseconds("Longest time for one file").default(10_000),
}).describe("Files that requests name by address, fetched for backends that take only their bytes.");

export const cacheSchema = z.strictObject({
  max_bytes: z.number().int().min(0).max(68_719_476_736).default(67_108_864).describe(
    "Memory for answers that are kept; the least used go first. With [redis] they are there, and its own limit holds.",
  ),
  max_answer_bytes: z.number().int().min(1).max(67_108_864).default(1_048_576).describe(
    "The largest answer that is kept.",
  ),
}).describe("Answers that routes keep: see `cache` of [[routes]].");

export const usageSchema = z.strictObject({
  retention_days: z.number().min(0).max(36_500).default(400).describe(
    "Days for which a row is kept for every request; 0 keeps them for ever. Sums, which budgets go by, stay.",
  ),
}).describe("The books: what every request used and cost. `intellirouter usage` reads them.");

export const shutdownSchema = z.strictObject({
  drain_delay_ms: milliseconds(
    "Time between SIGTERM and refusing new connections, in which /readyz already says 503",
  ).default(0),
  grace_ms: milliseconds("Time for which running requests may go on after that").default(30_000),
}).describe("What happens on SIGTERM and SIGINT.");

export const storeSchema = z.strictObject({
  kind: z.string().min(1).default("sqlite").describe('The store plugin: "sqlite" or "memory".'),
}).describe("Where the gateway keeps its own small state.");

export const responsesSchema = z.strictObject({
  retention_days: z.number().min(0).max(3650).default(30).describe(
    "Days for which responses are kept; a conversation that goes on stays as long. 0 keeps none, and then none can be gone on from.",
  ),
}).describe(
  "What /v1/responses keeps, unless a request says `store: false`. It is in the [store], texts and all.",
);

export const redisSchema = z.strictObject({
  host: z.string().min(1).default("localhost").describe("Host of the Redis server."),
  port: port.default(6379).describe("Port of the Redis server."),
  username: z.string().min(1).optional(),
  password_env: z.string().min(1).optional().describe("Environment variable that holds the password."),
  password_file: z.string().min(1).optional().describe(
    "File that holds the password; a name without a slash is looked up in $CREDENTIALS_DIRECTORY first.",
  ),
  database: z.number().int().min(0).max(65_535).default(0),
  tls: z.boolean().default(false).describe("Encrypt the connection, and check the server's certificate."),
  prefix: z.string().max(64).regex(/^[^{}\s]*$/, "must be without braces and spaces").default(
    "intellirouter:",
  ).describe(
    "Begins the name of every key, so that several gateways can share a server.",
  ),
  command_timeout_ms: milliseconds("Longest wait for one answer; a request then goes on without").default(
    100,
  ),
  connect_timeout_ms: milliseconds("Longest wait for a connection").default(300),
}).describe(
  "A Redis server (or compatible) that many gateways share: keys and teams, limits, budgets and the response cache are then common to all of them. Without it each gateway has its own.",
);

export const chromadbSchema = z.strictObject({
  host: z.string().min(1).default("localhost").describe("Host of the Chroma server."),
  port: port.default(8001).describe("Port of the Chroma server."),
}).describe(
  "A Chroma server for what memory has learnt and for the vectors of vector stores. It takes an embedding_model, too.",
);

export const chainRunsSchema = z.strictObject({
  retention_days: z.number().min(0).default(7).describe(
    "Days for which the runs of chains are kept, with what their steps were given and gave; 0 keeps them for ever.",
  ),
}).describe("Records of what chains have done, from which a run can be taken up again.");

export const settingsSchema = z.strictObject({
  server: serverSchema.prefault({}),
  cors: corsSchema.prefault({}),
  logging: loggingSchema.prefault({}),
  auth: authSchema.prefault({}),
  providers: z.array(providerSchema).default([]),
  models: z.array(modelSchema).default([]),
  routes: z.array(routeSchema).default([]),
  routing: routingSchema.prefault({}),
  discovery: discoverySchema.prefault({}),
  decisions: decisionsSchema.prefault({}),
  telemetry: telemetrySchema.prefault({}),
  downloads: downloadsSchema.prefault({}),
  plugins: pluginsSchema.prefault({}),
  shutdown: shutdownSchema.prefault({}),
  store: storeSchema.prefault({}),
  responses: responsesSchema.prefault({}),
  memory: memorySchema.prefault({}),
  retrieval: retrievalSchema.prefault({}),
  cache: cacheSchema.prefault({}),
  usage: usageSchema.prefault({}),
  limits: limitsSchema.optional().describe("Limits of the whole gateway."),
  budget: budgetSchema.optional().describe("The budget of the whole gateway."),
  guardrails: z.array(guardrailSchema).default([]),
  hidden_text: hiddenTextSchema.prefault({}),
  personas: personasSettingsSchema.default({}).describe(
    "Who models are to be: by `persona/NAME` as the model, or attached to routes, models and keys.",
  ),
  chains: chainsSettingsSchema.default({}).describe("Steps that are asked for as one model, `chain/NAME`."),
  chain_runs: chainRunsSchema.prefault({}),
  redis: redisSchema.optional(),
  chromadb: chromadbSchema.optional(),
});

export type IssuerSettings = z.infer<typeof issuerSchema>;
export type RedisSettings = z.infer<typeof redisSchema>;
export type Settings = z.infer<typeof settingsSchema>;
export type ProviderSettings = z.infer<typeof providerSchema>;
export type ModelSettings = z.infer<typeof modelSchema>;
export type RouteSettings = z.infer<typeof routeSchema>;
export type TargetSettings = z.infer<typeof targetSchema>;
export type RoutingSettings = z.infer<typeof routingSchema>;
export type DownloadSettings = z.infer<typeof downloadsSchema>;
