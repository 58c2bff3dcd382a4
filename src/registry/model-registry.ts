import { LRUCache } from "lru-cache";
import type { ModelDescription, Provider } from "../plugin/api/provider.ts";
import type { ModelSettings } from "../schema/settings.ts";
import { type Price, priceVersion } from "../lib/price.ts";
import type { PriceBook } from "./price-book.ts";

export interface RegisteredProvider {
  readonly name: string;
  readonly provider: Provider;
  /** The vendor's id in the price data. */
  readonly priceId: string | undefined;
  /** Models named by the configuration, which then are the only ones listed. */
  readonly configuredModels: readonly string[] | undefined;
  /** Its models are also listed and found by their bare name. */
  readonly bareNames: boolean;
  /** What the backend lists itself, as of now. */
  listed(): readonly ModelDescription[] | undefined;
}

export interface ModelRegistryOptions {
  /** In the order of the configuration. */
  readonly providers: readonly RegisteredProvider[];
  readonly models: readonly ModelSettings[];
  readonly prices: PriceBook;
}

/** The endpoints that a provider can serve, directly or by translation. */
export type ServedOperation =
  | "chat"
  | "messages"
  | "count_tokens"
  | "responses"
  | "completions"
  | "embeddings"
  | `/${string}`;

/** Everything known of one model of one provider. */
export interface RegistryModel {
  /** `provider/model`. */
  readonly id: string;
  readonly provider: string;
  readonly model: string;
  readonly operations: ReadonlySet<ServedOperation>;
  readonly chat: boolean | undefined;
  readonly embeddings: boolean | undefined;
  readonly tools: boolean | undefined;
  readonly vision: boolean | undefined;
  readonly jsonSchema: boolean | undefined;
  /** Tokens. */
  readonly contextLength: number | undefined;
  readonly maxOutputTokens: number | undefined;
  /** US dollars for one million tokens. */
  readonly inputPrice: number | undefined;
  readonly outputPrice: number | undefined;
  readonly price: Price | undefined;
  /** Seconds since the epoch; 0 when unknown. */
  readonly created: number;
  readonly ownedBy: string;
  /** It makes its answers up. */
  readonly mock: boolean;
}

/** A name that clients may ask for. */
export interface ListedName {
  readonly id: string;
  readonly model: RegistryModel;
}

/** Names that are asked for and not listed are kept up to this many; clients choose them freely. */
const mostUnlisted = 1_000;

/** What backends exist, what they can do and what they cost. */
export class ModelRegistry {
  readonly #options: ModelRegistryOptions;
  readonly #providers: ReadonlyMap<string, RegisteredProvider>;
  readonly #facts: ReadonlyMap<string, ModelSettings>;
  readonly #unlisted = new LRUCache<string, RegistryModel>({ max: mostUnlisted });
  #known: ReadonlyMap<string, RegistryModel> = new Map();
  #listed: readonly ListedName[] = [];

  constructor(options: ModelRegistryOptions) {
    this.#options = options;
    this.#providers = new Map(options.providers.map((entry) => [entry.name, entry]));
    this.#facts = new Map(options.models.map((settings) => [settings.id, settings]));
    this.refresh();
  }

  /** Takes in what has become known since: a backend's list, the price data. */
  refresh(): void {
    const listed: ListedName[] = [];
    const known = new Map<string, RegistryModel>();
    const bare = new Map<string, RegistryModel>();
    for (const entry of this.#options.providers) {
      for (const description of descriptions(entry)) {
        const model = this.#describe(entry, description);
        known.set(model.id, model);
        if (!bare.has(model.model)) bare.set(model.model, model);
        listed.push({ id: entry.bareNames ? model.model : model.id, model });
      }
    }
    for (const [name, model] of bare) if (!known.has(name)) known.set(name, model);
    this.#unlisted.clear();
    this.#known = known;
    const aliases = this.#options.models.flatMap(({ id }) => {
      const model = this.#alias(id, new Set());
      return model === undefined ? [] : [{ id, model }];
    });
    for (const { id, model } of aliases) known.set(id, model);
    const named = new Set(aliases.map(({ id }) => id));
    this.#listed = [...aliases, ...listed.filter(({ id }) => !named.has(id))];
  }

  /**
   * The model that a name stands for: an alias, `provider/model` (also one that the provider does not list: lists are
   * often incomplete), or a bare name that a provider lists.
   */
  find(name: string): RegistryModel | undefined {
    return this.#known.get(name) ?? this.#unlisted.get(name) ?? this.#findUnlisted(name);
  }

  names(): readonly string[] {
    return this.#listed.map(({ id }) => id);
  }

  /** What `/v1/models` shows: aliases first, then models by provider. */
  list(): readonly ListedName[] {
    return this.#listed;
  }

  #alias(id: string, seen: Set<string>): RegistryModel | undefined {
    const settings = this.#facts.get(id);
    if (settings?.target === undefined || seen.has(id)) {
      return this.#known.get(id) ?? (id.includes("/") ? this.#findUnlisted(id) : undefined);
    }
    seen.add(id);
    const model = this.#facts.has(settings.target)
      ? this.#alias(settings.target, seen)
      : this.find(settings.target);
    return model === undefined ? undefined : withFacts(model, settings);
  }

  #findUnlisted(name: string): RegistryModel | undefined {
    const slash = name.indexOf("/");
    if (slash <= 0 || slash === name.length - 1) return undefined;
    const entry = this.#providers.get(name.slice(0, slash));
    if (entry === undefined) return undefined;
    const model = this.#describe(entry, { id: name.slice(slash + 1) });
    this.#unlisted.set(name, model);
    return model;
  }

  #describe(entry: RegisteredProvider, description: ModelDescription): RegistryModel {
    const { provider, name, priceId } = entry;
    const id = `${name}/${description.id}`;
    const book = priceId === undefined ? undefined : this.#options.prices.find(priceId, description.id);
    const operations = new Set<ServedOperation>();
    if (provider.chat !== undefined) operations.add("chat");
    if (provider.chat !== undefined || provider.messages !== undefined) {
      operations.add("messages").add("count_tokens");
    }
    for (const path of provider.forward?.paths ?? []) operations.add(path as `/${string}`);
    if (provider.chat !== undefined || provider.responses !== undefined) operations.add("responses");
    if (provider.completions !== undefined) operations.add("completions");
    if (provider.embeddings !== undefined) operations.add("embeddings");
    const model: RegistryModel = {
      id,
      provider: name,
      model: description.id,
      operations,
      chat: description.chat,
      embeddings: description.embeddings,
      tools: description.tools,
      vision: description.vision,
      jsonSchema: description.jsonSchema,
      contextLength: description.contextLength ?? book?.contextLength,
      maxOutputTokens: description.maxOutputTokens,
      ...pricesOf(book?.price),
      created: description.created ?? 0,
      ownedBy: description.ownedBy ?? name,
      mock: description.mock ?? false,
    };
    const facts = this.#facts.get(id);
    return facts === undefined ? model : withFacts(model, facts);
  }
}

function descriptions(entry: RegisteredProvider): readonly ModelDescription[] {
  const known = new Map<string, ModelDescription>();
  // What the backend says now wins over what its plugin knew, field by field: most lists are bare ids.
  for (const model of [...(entry.provider.models ?? []), ...(entry.listed() ?? [])]) {
    known.set(model.id, { ...known.get(model.id), ...model });
  }
  if (entry.configuredModels === undefined) return [...known.values()];
  return entry.configuredModels.map((id) => known.get(id) ?? { id });
}

/** The operator knows best. */
function withFacts(model: RegistryModel, { capabilities, price }: ModelSettings): RegistryModel {
  return {
    ...model,
    chat: capabilities?.chat ?? model.chat,
    embeddings: capabilities?.embeddings ?? model.embeddings,
    tools: capabilities?.tools ?? model.tools,
    vision: capabilities?.vision ?? model.vision,
    jsonSchema: capabilities?.json_schema ?? model.jsonSchema,
    contextLength: capabilities?.context_length ?? model.contextLength,
    maxOutputTokens: capabilities?.max_output_tokens ?? model.maxOutputTokens,
    ...(price === undefined ? {} : pricesOf({
      input: price.input,
      output: price.output,
      cachedInput: price.cached_input,
      cacheWrite: price.cache_write,
      perRequest: price.per_request,
      tiers: [],
      version: priceVersion("configuration", price),
    })),
  };
}

function pricesOf(price: Price | undefined) {
  return {
    price,
    inputPrice: price?.input,
    outputPrice: price?.output,
  };
}
