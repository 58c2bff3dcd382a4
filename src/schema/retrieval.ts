/** Files, vector stores and what is found in them: the shapes of OpenAI's APIs, and the settings of retrieval. */
import { z } from "zod";

const seconds = z.number().int();

/** Up to 16 facts about a file, by which searches can be narrowed. */
export const attributesSchema = z.record(
  z.string().min(1).max(64),
  z.union([z.string().max(512), z.number(), z.boolean()]),
).refine((attributes) => Object.keys(attributes).length <= 16, "must have at most 16 entries");

const comparison = z.strictObject({
  type: z.enum(["eq", "ne", "gt", "gte", "lt", "lte", "in", "nin"]),
  key: z.string().min(1).max(64),
  value: z.union([
    z.string(),
    z.number(),
    z.boolean(),
    z.array(z.union([z.string(), z.number()])).max(1_000),
  ]),
});

export type AttributeFilter =
  | z.infer<typeof comparison>
  | { readonly type: "and" | "or"; readonly filters: readonly AttributeFilter[] };

export const attributeFilterSchema: z.ZodType<AttributeFilter> = z.lazy(() =>
  z.union([
    comparison,
    z.strictObject({ type: z.enum(["and", "or"]), filters: z.array(attributeFilterSchema).min(1).max(100) }),
  ])
).describe("A comparison of one attribute, or several filters joined by `and` or `or`.");

export const chunkingStrategySchema = z.union([
  z.strictObject({ type: z.literal("auto") }),
  z.strictObject({
    type: z.literal("static"),
    static: z.strictObject({
      max_chunk_size_tokens: z.number().int().min(100).max(4096),
      chunk_overlap_tokens: z.number().int().min(0),
    }),
  }).refine(
    ({ static: { max_chunk_size_tokens: size, chunk_overlap_tokens: overlap } }) => overlap <= size / 2,
    "the overlap must be at most half of the size",
  ),
]).describe("How files are cut: `auto` as [retrieval] says, or `static` with sizes in tokens.");

export const metadataSchema = z.record(z.string().min(1).max(64), z.string().max(512))
  .refine((metadata) => Object.keys(metadata).length <= 16, "must have at most 16 entries");

export const filePurposes = ["assistants", "batch", "fine-tune", "vision", "user_data", "evals"] as const;

export const fileSchema = z.object({
  id: z.string(),
  object: z.literal("file"),
  bytes: z.number().int(),
  created_at: seconds.describe("Seconds since the epoch."),
  expires_at: seconds.nullable(),
  filename: z.string(),
  purpose: z.string(),
  status: z.literal("processed"),
});

export const fileCountsSchema = z.object({
  in_progress: z.number().int(),
  completed: z.number().int(),
  failed: z.number().int(),
  cancelled: z.number().int(),
  total: z.number().int(),
});

export const expiresAfterSchema = z.strictObject({
  anchor: z.literal("last_active_at"),
  days: z.number().int().min(1).max(365),
});

export const vectorStoreSchema = z.object({
  id: z.string(),
  object: z.literal("vector_store"),
  created_at: seconds,
  name: z.string(),
  description: z.string().nullable(),
  usage_bytes: z.number().int(),
  file_counts: fileCountsSchema,
  status: z.enum(["in_progress", "completed", "expired"]),
  expires_after: expiresAfterSchema.nullable(),
  expires_at: seconds.nullable(),
  last_active_at: seconds.nullable(),
  metadata: metadataSchema,
  embedding_model: z.string().nullable().describe(
    "What made its vectors; null while it is searched by words alone.",
  ),
});

export const storeFileSchema = z.object({
  id: z.string().describe("Of the file."),
  object: z.literal("vector_store.file"),
  created_at: seconds,
  usage_bytes: z.number().int(),
  vector_store_id: z.string(),
  status: z.enum(["in_progress", "completed", "failed", "cancelled"]),
  last_error: z.object({ code: z.string(), message: z.string() }).nullable(),
  attributes: attributesSchema,
  chunking_strategy: z.object({
    type: z.literal("static"),
    static: z.object({ max_chunk_size_tokens: z.number().int(), chunk_overlap_tokens: z.number().int() }),
  }),
  progress: z.object({ chunks: z.number().int(), done: z.number().int() }).describe(
    "Chunks of the file, and how many of them are ready to be searched.",
  ),
});

export const fileBatchSchema = z.object({
  id: z.string(),
  object: z.literal("vector_store.files_batch"),
  created_at: seconds,
  vector_store_id: z.string(),
  status: z.enum(["in_progress", "completed", "cancelled", "failed"]),
  file_counts: fileCountsSchema,
});

export const rankingOptionsSchema = z.strictObject({
  ranker: z.string().max(64).optional().describe(
    "`none` leaves the order as it was found; otherwise the configured rerank_model is asked, where there is one.",
  ),
  score_threshold: z.number().min(0).max(1).optional().describe("Results below this score are left out."),
  hybrid_search: z.strictObject({
    embedding_weight: z.number().min(0),
    text_weight: z.number().min(0),
  }).refine(({ embedding_weight: one, text_weight: other }) => one + other > 0, "one weight must be above 0")
    .optional(),
});

export const vectorStoreSearchSchema = z.strictObject({
  query: z.union([z.string().min(1).max(100_000), z.array(z.string().min(1).max(100_000)).min(1).max(16)]),
  max_num_results: z.number().int().min(1).max(50).default(10),
  filters: attributeFilterSchema.nullish(),
  ranking_options: rankingOptionsSchema.nullish(),
  rewrite_query: z.boolean().default(false).describe("Accepted; queries are searched for as they are."),
});

export const searchResultSchema = z.object({
  file_id: z.string(),
  filename: z.string(),
  score: z.number().describe("From 0 to 1."),
  attributes: attributesSchema.nullable(),
  content: z.array(z.object({ type: z.literal("text"), text: z.string() })),
});

const storeFileFields = {
  attributes: attributesSchema.nullish(),
  chunking_strategy: chunkingStrategySchema.nullish(),
};

export const createVectorStoreSchema = z.strictObject({
  name: z.string().max(256).nullish(),
  description: z.string().max(512).nullish(),
  file_ids: z.array(z.string()).max(500).nullish().describe("Files to begin with."),
  expires_after: expiresAfterSchema.nullish(),
  chunking_strategy: chunkingStrategySchema.nullish(),
  metadata: metadataSchema.nullish(),
});

export const updateVectorStoreSchema = createVectorStoreSchema.pick({
  name: true,
  description: true,
  expires_after: true,
  metadata: true,
});

export const addStoreFileSchema = z.strictObject({ file_id: z.string().min(1), ...storeFileFields });

export const updateStoreFileSchema = z.strictObject({ attributes: attributesSchema.nullable() });

export const addFileBatchSchema = z.strictObject({
  file_ids: z.array(z.string().min(1)).min(1).max(2_000).nullish(),
  files: z.array(addStoreFileSchema).min(1).max(2_000).nullish().describe(
    "In the place of file_ids: each with its own settings.",
  ),
  ...storeFileFields,
}).refine(
  ({ file_ids: ids, files }) => (ids ?? undefined) !== undefined !== ((files ?? undefined) !== undefined),
  "must have either file_ids or files",
);

export const deletedSchema = z.object({ id: z.string(), object: z.string(), deleted: z.literal(true) });

export const fileContentPageSchema = z.object({
  object: z.literal("vector_store.file_content.page"),
  data: z.array(z.object({ type: z.literal("text"), text: z.string() })),
  has_more: z.boolean(),
  next_page: z.string().nullable(),
});

export const searchPageSchema = z.object({
  object: z.literal("vector_store.search_results.page"),
  search_query: z.array(z.string()),
  data: z.array(searchResultSchema),
  has_more: z.boolean(),
  next_page: z.string().nullable(),
});

/** The tool `file_search` of a request in the Responses protocol. */
export const fileSearchToolSchema = z.looseObject({
  type: z.literal("file_search"),
  vector_store_ids: z.array(z.string().min(1)).min(1).max(16),
  max_num_results: z.number().int().min(1).max(50).nullish(),
  filters: attributeFilterSchema.nullish(),
  ranking_options: rankingOptionsSchema.nullish(),
});

/** What may differ between routes, models and personas. */
export const retrievalPolicySchema = z.strictObject({
  vector_stores: z.array(z.string().min(1).max(256)).min(1).max(16).describe(
    "Ids or names of vector stores, of the caller's tenant or shared ones.",
  ),
  max_tokens: z.number().int().min(50).max(1_000_000).default(2_000).describe(
    "Most tokens (estimated) of what is put into a request.",
  ),
  max_results: z.number().int().min(1).max(50).default(8).describe("Most passages."),
  min_score: z.number().min(0).max(1).default(0).describe("Passages below this score are left out."),
  position: z.enum(["before_last", "first"]).default("before_last").describe(
    "Where the passages stand: before the user's last words, or before the conversation. Never among the instructions.",
  ),
  citations: z.boolean().default(true).describe(
    "Name the files of the passages in the answer's annotations.",
  ),
  on_failure: z.enum(["skip", "fail"]).default("skip").describe(
    "When nothing can be searched: answer without, or refuse the request with 503.",
  ),
}).describe("Passages of vector stores that fit the user's last words are put into requests for this name.");

/** `[retrieval]` */
export const retrievalSchema = z.strictObject({
  embedding_model: z.string().min(1).max(256).optional().describe(
    "The model that makes vectors of what is added from now on, as clients would ask for it. Without it files are found by their words.",
  ),
  embedding_batch: z.number().int().min(1).max(2_048).default(64).describe(
    "Most chunks in one request for vectors.",
  ),
  rerank_model: z.string().min(1).max(256).optional().describe(
    "A chat model that puts what was found in order. Without it the order of the search stays.",
  ),
  rerank_results: z.number().int().min(2).max(100).default(20).describe("Most results that it is shown."),
  rerank_timeout_ms: z.number().int().min(1).max(600_000).default(10_000).describe(
    "Longest wait for it, in milliseconds; the order of the search then stays.",
  ),
  chunk_tokens: z.number().int().min(50).max(8_192).default(800).describe(
    "Most tokens (estimated) of a chunk.",
  ),
  chunk_overlap_tokens: z.number().int().min(0).max(4_096).default(100).describe(
    "Tokens (estimated) that a chunk repeats of the one before; at most half of chunk_tokens.",
  ),
  max_file_bytes: z.number().int().min(1).max(8_589_934_592).default(536_870_912).describe(
    "Largest file that is taken.",
  ),
  max_document_bytes: z.number().int().min(1).max(4_294_967_296).default(52_428_800).describe(
    "Largest file that is read for a vector store.",
  ),
  max_pages: z.number().int().min(1).max(1_000_000).default(5_000).describe("Most pages of a document."),
  max_text_characters: z.number().int().min(1_000).max(1_000_000_000).default(20_000_000).describe(
    "Most text of a document, also of what it holds in compressed form.",
  ),
  max_chunks: z.number().int().min(1).max(1_000_000).default(50_000).describe("Most chunks of a document."),
  parse_timeout_ms: z.number().int().min(100).max(3_600_000).default(60_000).describe(
    "Longest time for reading a document, in milliseconds.",
  ),
  file_search_tokens: z.number().int().min(50).max(1_000_000).default(8_000).describe(
    "Most tokens (estimated) of what the tool file_search of /v1/responses puts into a request.",
  ),
  search_timeout_ms: z.number().int().min(1).max(60_000).default(2_000).describe(
    "Longest wait for the vectors of a query and for the engine that compares them, in milliseconds; what was found by words is then given alone.",
  ),
  ingest_concurrency: z.number().int().min(1).max(64).default(2).describe(
    "Files that are read at the same time.",
  ),
  retries: z.number().int().min(0).max(100).default(5).describe(
    "Most retries, ever further apart, of a file whose vectors could not be made.",
  ),
}).refine(
  ({ chunk_tokens: size, chunk_overlap_tokens: overlap }) => overlap <= size / 2,
  { path: ["chunk_overlap_tokens"], message: "must be at most half of chunk_tokens" },
).describe("Files and vector stores: what is made of them, and how they are searched.");

export type Attributes = z.infer<typeof attributesSchema>;
export type RetrievalPolicy = z.infer<typeof retrievalPolicySchema>;
export type RetrievalSettings = z.infer<typeof retrievalSchema>;
export type FileObject = z.infer<typeof fileSchema>;
export type VectorStoreObject = z.infer<typeof vectorStoreSchema>;
export type StoreFileObject = z.infer<typeof storeFileSchema>;
export type FileBatchObject = z.infer<typeof fileBatchSchema>;
export type SearchResultObject = z.infer<typeof searchResultSchema>;
