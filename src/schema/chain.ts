/** Chains: `[chains.NAME]` of the settings, and the records of their runs. */
import { z } from "zod";

const expression = z.string().min(1).max(4_000);
const template = z.string().max(200_000);
const jsonSchema = z.record(z.string(), z.unknown());

const stepId = z.string().regex(
  /^[A-Za-z_][A-Za-z0-9_]{0,63}$/,
  "must be a word of letters, digits and underscores",
);

/** What every step may say, whatever it does. */
const common = {
  id: stepId.describe("Names the step and, for the steps after it, what it gave."),
  when: expression.optional().describe(
    "CEL; the step is left out, and gives null, where it does not hold.",
  ),
  timeout_ms: z.number().int().min(1).max(86_400_000).optional().describe(
    "Longest time for the step, its tries included; the chain's when absent.",
  ),
  retries: z.number().int().min(0).max(10).default(0).describe(
    "Further tries of a step that failed and may be tried again.",
  ),
  max_tokens_total: z.number().int().min(1).optional().describe(
    "Tokens that the step may use, everything within it included.",
  ),
  max_cost_usd: z.number().positive().optional().describe(
    "US dollars that the step may cost, everything within it included.",
  ),
  output: jsonSchema.optional().describe(
    "JSON schema of what the step gives. A model is asked for it; what does not fit is a failure.",
  ),
};

const steps = z.lazy((): z.ZodType<readonly ChainStep[]> => z.array(chainStepSchema).min(1));

const modelFields = {
  system: template.optional().describe("What the model is told before; a template."),
  temperature: z.number().min(0).max(2).optional(),
  max_tokens: z.number().int().min(1).optional().describe("Most tokens of the answer."),
  history: z.boolean().optional().describe("The client's whole conversation goes before the prompt."),
};

/** Asks a model in one way. */
interface Sampling {
  readonly model: string;
  readonly prompt: string;
  readonly samples: number;
  readonly system?: string | undefined;
  readonly temperature?: number | undefined;
  readonly max_tokens?: number | undefined;
  readonly history?: boolean | undefined;
}

type JsonSchema = Record<string, unknown>;

/** One step of a chain. Written out because it holds itself, which types that are made of schemas cannot say. */
export interface ChainStep {
  readonly id: string;
  readonly when?: string | undefined;
  readonly timeout_ms?: number | undefined;
  readonly retries: number;
  readonly max_tokens_total?: number | undefined;
  readonly max_cost_usd?: number | undefined;
  readonly output?: JsonSchema | undefined;
  readonly model?: string | undefined;
  readonly prompt?: string | undefined;
  readonly system?: string | undefined;
  readonly temperature?: number | undefined;
  readonly max_tokens?: number | undefined;
  readonly history?: boolean | undefined;
  readonly retrieve?: {
    readonly vector_stores: readonly string[];
    readonly query: string;
    readonly max_results: number;
  } | undefined;
  readonly tool?: {
    readonly url: string;
    readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
    readonly headers: Readonly<Record<string, string>>;
    readonly body?: string | undefined;
    readonly json?: unknown;
  } | undefined;
  readonly transform?: string | undefined;
  readonly parallel?: readonly ChainStep[] | undefined;
  readonly map?: {
    readonly over: string;
    readonly steps: readonly ChainStep[];
    readonly concurrency: number;
  } | undefined;
  readonly branch?:
    | readonly { readonly when?: string | undefined; readonly steps: readonly ChainStep[] }[]
    | undefined;
  readonly loop?: {
    readonly steps: readonly ChainStep[];
    readonly until?: string | undefined;
    readonly max: number;
  } | undefined;
  readonly vote?: Sampling | undefined;
  readonly best_of?:
    | Sampling & { readonly judge: { readonly model: string; readonly prompt?: string | undefined } }
    | undefined;
  readonly fallback?: readonly { readonly steps: readonly ChainStep[] }[] | undefined;
  readonly chain?: string | undefined;
  readonly input?: string | undefined;
}

/** One step. Which kind it is says the field that only this kind has. */
export const chainStepSchema: z.ZodType<ChainStep> = z.strictObject({
  ...common,
  model: z.string().min(1).max(256).optional().describe(
    "Ask a model, an alias or a route; `prompt` is then what it is asked.",
  ),
  prompt: template.optional().describe(
    "A template: what a model is asked or, without one, what the step gives.",
  ),
  ...modelFields,
  retrieve: z.strictObject({
    vector_stores: z.array(z.string().min(1)).min(1).describe("Where to search."),
    query: template.describe("What for; a template."),
    max_results: z.number().int().min(1).max(50).default(5),
  }).optional().describe("Search in vector stores; gives a list of { text, file_id, filename, score }."),
  tool: z.strictObject({
    url: z.string().min(1).max(4_000).describe("A template; its origin must be in the chain's `allow`."),
    method: z.enum(["GET", "POST", "PUT", "PATCH", "DELETE"]).default("GET"),
    headers: z.record(z.string(), template).default({}).describe("Templates."),
    body: template.optional().describe("A template; sent as it is."),
    json: z.unknown().optional().describe("Sent as JSON; texts in it are templates."),
  }).optional().describe("Call an HTTP tool; gives { status, body }, the body parsed where it is JSON."),
  transform: expression.optional().describe("CEL; the step gives its value."),
  parallel: z.lazy(() => z.array(chainStepSchema).min(1).max(64)).optional().describe(
    "Steps that run at the same time; gives an object of what each gave.",
  ),
  map: z.strictObject({
    over: expression.describe("CEL for a list."),
    steps: steps.describe("Run for every `item` (and its `index`)."),
    concurrency: z.number().int().min(1).max(64).default(4).describe("Items at the same time."),
  }).optional().describe("Gives the list of what the last step gave for each item."),
  branch: z.array(z.strictObject({
    when: expression.optional().describe("CEL; absent for whatever is left."),
    steps: steps,
  })).min(1).optional().describe("Runs the steps of the first whose condition holds."),
  loop: z.strictObject({
    steps: steps,
    until: expression.optional().describe("CEL, asked after each round, of what the steps gave."),
    max: z.number().int().min(1).max(100).describe("Rounds at most."),
  }).optional().describe("Gives what the last step of the last round gave."),
  vote: z.strictObject({
    model: z.string().min(1).max(256),
    prompt: template,
    samples: z.number().int().min(2).max(32).default(3),
    ...modelFields,
  }).optional().describe("Asks several times, and gives the answer that came most often."),
  best_of: z.strictObject({
    model: z.string().min(1).max(256),
    prompt: template,
    samples: z.number().int().min(2).max(32).default(3),
    ...modelFields,
    judge: z.strictObject({
      model: z.string().min(1).max(256),
      prompt: template.optional().describe("Told what makes an answer good; a template."),
    }).describe("Which model says which answer is the best."),
  }).optional().describe("Asks several times, and gives the answer that another model finds best."),
  fallback: z.array(z.strictObject({ steps: steps })).min(2).optional().describe(
    "Runs the first steps; where they fail, the next.",
  ),
  chain: stepId.optional().describe("Runs another chain."),
  input: template.optional().describe("What that chain is given; a template. Its own input when absent."),
}).superRefine((step, context) => {
  const kinds = stepKinds.filter((kind) => step[kind] !== undefined);
  if (kinds.length === 0 && step.model !== undefined) {
    context.addIssue({
      code: "custom",
      path: ["prompt"],
      message: "a step that asks a model needs a prompt",
    });
  } else if (kinds.length !== 1) {
    const found = kinds.length === 0 ? "has none" : `has ${kinds.join(" and ")}`;
    context.addIssue({
      code: "custom",
      message: `the step "${step.id}" must have exactly one of ${stepKinds.join(", ")}; it ${found}`,
    });
  }
});

/** The fields that say what a step does. */
export const stepKinds = [
  "prompt",
  "retrieve",
  "tool",
  "transform",
  "parallel",
  "map",
  "branch",
  "loop",
  "vote",
  "best_of",
  "fallback",
  "chain",
] as const;

export const chainSchema = z.strictObject({
  description: z.string().max(1_000).optional().describe("For people; shown by `intellirouter chains show`."),
  steps: z.array(chainStepSchema).min(1).optional().describe(
    "One after the other; the last gives the answer.",
  ),
  kind: z.string().min(1).optional().describe(
    "A chain plugin, in the place of `steps`: a chain that is written as code.",
  ),
  options: z.record(z.string(), z.unknown()).default({}).describe("Options of the chain plugin."),
  input: jsonSchema.optional().describe(
    "JSON schema of the input. The user's last message is then read as JSON; without it, it is a text.",
  ),
  output: jsonSchema.optional().describe("JSON schema of the answer."),
  allow: z.array(z.url({ protocol: /^https?$/ })).default([]).describe(
    "Addresses that its tools may call: an origin, with a path only what is below it.",
  ),
  timeout_ms: z.number().int().min(1).max(86_400_000).default(600_000).describe("Longest time for a run."),
  max_steps: z.number().int().min(1).max(10_000).default(100).describe(
    "Steps of a run, every round and item counted.",
  ),
  max_tokens_total: z.number().int().min(1).optional().describe("Tokens that a run may use."),
  max_cost_usd: z.number().positive().optional().describe("US dollars that a run may cost."),
}).superRefine(({ steps, kind }, context) => {
  if ((steps === undefined) !== (kind === undefined)) return;
  const found = steps === undefined ? "neither" : "both";
  context.addIssue({ code: "custom", message: `a chain has either steps or a kind; this one has ${found}` });
}).describe("Several steps that are asked for as one model, `chain/NAME`.");

export const chainsSettingsSchema = z.record(stepId, chainSchema);

export const chainRunStepSchema = z.strictObject({
  path: z.string().describe("Which step, as in `write.map[2].draft`."),
  status: z.enum(["ok", "failed", "skipped"]),
  input: z.unknown().optional().describe("What it was given, as far as it is told."),
  output: z.unknown().optional(),
  error: z.string().optional(),
  tokens: z.number().int(),
  cost_usd: z.number(),
  started_at: z.number().int().describe("Milliseconds since the epoch."),
  duration_ms: z.number(),
});

export const chainRunSchema = z.strictObject({
  id: z.string(),
  object: z.literal("chain.run"),
  chain: z.string(),
  status: z.enum(["running", "completed", "failed", "cancelled"]),
  created_at: z.number().int().describe("Milliseconds since the epoch."),
  finished_at: z.number().int().optional(),
  input: z.unknown(),
  output: z.unknown().optional(),
  error: z.string().optional(),
  tokens: z.number().int(),
  cost_usd: z.number(),
  steps: z.array(chainRunStepSchema).optional(),
});

export type ChainSettings = z.infer<typeof chainSchema>;
export type ChainRun = z.infer<typeof chainRunSchema>;
export type ChainRunStep = z.infer<typeof chainRunStepSchema>;
