/**
 * Those who use the gateway: keys, the teams that keys belong to, and the organisations that teams belong to. Each may have limits and
 * a budget, and a request must be within all of them.
 */
import { z } from "zod";
import { guardrailNames } from "./guardrail.ts";
import { personaName } from "./persona.ts";

export const accountName = z.string().regex(
  /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/,
  "must be 1 to 64 letters, digits, dots, dashes or underscores",
);

const amount = z.number().int().min(1).max(1_000_000_000_000);
/** A safe integer of nanodollars holds no more. */
const dollars = z.number().min(0).max(9_000_000);

export const limitsSchema = z.strictObject({
  requests_per_minute: amount.optional().describe("Requests in any minute."),
  requests_per_day: amount.optional().describe("Requests in any 24 hours."),
  tokens_per_minute: amount.optional().describe("Tokens of prompts and answers in any minute."),
  tokens_per_day: amount.optional().describe("Tokens of prompts and answers in any 24 hours."),
  concurrent_requests: amount.optional().describe("Requests at the same time."),
  max_tokens_per_request: amount.optional().describe("Tokens of one request, its prompt and its answer."),
}).describe(
  "Limits of the rate. What a request will take is set aside before it is sent and corrected when it has ended.",
);

export const budgetSchema = z.strictObject({
  daily_usd: dollars.optional().describe("US dollars in one day (UTC)."),
  monthly_usd: dollars.optional().describe("US dollars in one month (UTC)."),
  total_usd: dollars.optional().describe("US dollars altogether."),
  mode: z.enum(["hard", "soft"]).default("hard").describe(
    "`hard`: a request that could cost more than what is left is refused. `soft`: it is served, and alerts are given.",
  ),
  alerts: z.array(z.number().gt(0).max(100)).max(16).default([0.8, 1]).describe(
    "Shares of the budget at which an alert is given, once a period.",
  ),
  on_exhaust: z.string().regex(/^(reject|downgrade:.{1,256})$/, 'must be "reject" or "downgrade:MODEL"')
    .default("reject").describe(
      "What becomes of a request that the budget cannot pay: `reject`, or `downgrade:MODEL` to serve it with that model if the budget can pay that one.",
    ),
}).refine(({ daily_usd, monthly_usd, total_usd }) => (daily_usd ?? monthly_usd ?? total_usd) !== undefined, {
  error: "needs an amount: daily_usd, monthly_usd or total_usd",
}).describe("Money.");

export const permissionSchema = z.enum([
  "inference",
  "keys.read",
  "keys.write",
  "teams.read",
  "teams.write",
  "usage.read",
  "decisions.read",
  "metrics.read",
  "audit.read",
  "cache.write",
  "memory.read",
  "memory.write",
]);

export const metadataSchema = z.record(z.string().min(1).max(64), z.string().max(512))
  .refine((metadata) => Object.keys(metadata).length <= 16, "must have at most 16 entries");

const patterns = (what: string) => z.array(z.string().min(1).max(256)).min(1).max(256).describe(what);

/** What makes a key; the same in the configuration, on the command line and in the admin API. */
const label = (most: number) =>
  z.string().max(most).regex(/^\P{Cc}*$/u, "must be without control characters");

export const keyFieldsSchema = z.strictObject({
  name: label(128).optional().describe("For people."),
  owner: label(256).optional().describe("Who answers for it."),
  team: accountName.optional().describe(
    "The team it belongs to. Its administrative permissions then reach no further than this team.",
  ),
  metadata: metadataSchema.optional().describe("Up to 16 texts of your own."),
  roles: z.array(accountName).min(1).max(16).default(["developer"]).describe(
    "What it may do: `admin`, `operator`, `developer`, `viewer`, `service`, or roles of the configuration.",
  ),
  tenant: accountName.optional().describe(
    "Whose key it is: keys of one tenant share conversations, facts, stored responses and what is remembered of reasoning. The key's id when absent.",
  ),
  models: patterns(
    "Targets it may use, as `provider/model`; a `*` stands for any text. Checked on every target after routing.",
  ).default(["*"]),
  routes: patterns("Names it may ask for (models, aliases, routes).").default(["*"]),
  persona: personaName.optional().describe(
    "The persona of its requests, where neither the name that it asks for nor the route has one.",
  ),
  guardrails: guardrailNames.optional().describe(
    "Guardrails of its requests, beside those of what it asks for.",
  ),
  endpoints: patterns("Paths it may call, such as `/v1/embeddings` or `/v1/*`.").default(["*"]),
  ip_ranges: z.array(z.union([z.cidrv4(), z.cidrv6(), z.ipv4(), z.ipv6()])).min(1).max(256).optional()
    .describe(
      "Addresses it may come from, such as `10.0.0.0/8`.",
    ),
  expires_at: z.union([z.iso.datetime({ offset: true }), z.iso.date()]).optional().describe(
    "From this time on it is refused; ISO 8601.",
  ),
  disabled: z.boolean().default(false).describe("Refused for as long as this is set."),
  limits: limitsSchema.optional(),
  budget: budgetSchema.optional(),
});

export const teamFieldsSchema = z.strictObject({
  name: label(128).optional().describe("For people."),
  organisation: accountName.optional().describe("The organisation it belongs to."),
  disabled: z.boolean().default(false).describe("All of its keys are refused for as long as this is set."),
  limits: limitsSchema.optional(),
  budget: budgetSchema.optional(),
});

export const organisationFieldsSchema = teamFieldsSchema.omit({ organisation: true });

/** Changes of a key: what is absent stays, null takes an optional field away. */
export const keyChangesSchema = z.strictObject(
  Object.fromEntries(
    Object.entries(keyFieldsSchema.shape).map(([name, field]) => [name, withoutDefault(field).nullish()]),
  ),
);

function withoutDefault(field: z.ZodType): z.ZodType {
  const inner = field instanceof z.ZodDefault || field instanceof z.ZodOptional ? field.unwrap() : field;
  return inner as z.ZodType;
}

const stored = {
  id: accountName,
  created_at: z.number().int().describe("Milliseconds since the epoch."),
  created_by: z.string().describe("Id of the key that made it, or `command-line`."),
  version: z.number().int().min(1).describe("Grows with every change."),
};

const hash = z.string().regex(/^[0-9a-f]{64}$/);

/** A key as it is kept: of the secret only its hash. */
export const keyRecordSchema = keyFieldsSchema.extend({
  ...stored,
  hash: hash.describe("SHA-256 of the key."),
  previous: z.strictObject({ hash, until: z.number().int() }).optional().describe(
    "The secret before the last rotation, which is good until then; milliseconds since the epoch.",
  ),
  revoked_at: z.number().int().optional().describe("Milliseconds since the epoch."),
});

export const teamRecordSchema = teamFieldsSchema.extend({
  ...stored,
  deleted_at: z.number().int().optional().describe("Milliseconds since the epoch."),
});
export const organisationRecordSchema = organisationFieldsSchema.extend({
  ...stored,
  deleted_at: z.number().int().optional().describe("Milliseconds since the epoch."),
});

/** A key as it is shown; nothing of its secret. */
export const keyViewSchema = keyFieldsSchema.extend({
  object: z.literal("key"),
  id: accountName,
  status: z.enum(["active", "disabled", "expired", "revoked"]),
  source: z.enum(["store", "configuration"]).describe(
    "Those of the configuration can be changed only there.",
  ),
  created_at: z.iso.datetime().optional(),
  created_by: z.string().optional().describe("Id of the key that made it, or `command-line`."),
  revoked_at: z.iso.datetime().optional(),
  previous_secret_until: z.iso.datetime().optional().describe(
    "Until then the secret before the last rotation is good, too.",
  ),
});

export const newKeySchema = keyViewSchema.extend({
  key: z.string().describe("The key itself; shown this once."),
});

const groupView = {
  id: accountName,
  source: z.enum(["store", "configuration"]),
  created_at: z.iso.datetime().optional(),
  created_by: z.string().optional(),
};
export const teamViewSchema = teamFieldsSchema.extend({ object: z.literal("team"), ...groupView });
export const organisationViewSchema = organisationFieldsSchema.extend({
  object: z.literal("organisation"),
  ...groupView,
});

export const limitStandSchema = z.strictObject({
  account: z.string().describe(
    "Whose limit it is: `key:ID`, `team:ID`, `organisation:ID`, or `*` for the whole gateway.",
  ),
  limit: z.string().describe("Such as `requests_per_minute` or `monthly_usd`."),
  most: z.number(),
  used: z.number(),
  reserved: z.number().optional().describe("Set aside for requests that run."),
});

export type KeyView = z.infer<typeof keyViewSchema>;
export type LimitStand = z.infer<typeof limitStandSchema>;
export type Limits = z.infer<typeof limitsSchema>;
export type Budget = z.infer<typeof budgetSchema>;
export type Permission = z.infer<typeof permissionSchema>;
export type KeyFields = z.infer<typeof keyFieldsSchema>;
export type TeamFields = z.infer<typeof teamFieldsSchema>;
export type OrganisationFields = z.infer<typeof organisationFieldsSchema>;
export type KeyRecord = z.infer<typeof keyRecordSchema>;
export type TeamRecord = z.infer<typeof teamRecordSchema>;
export type OrganisationRecord = z.infer<typeof organisationRecordSchema>;
