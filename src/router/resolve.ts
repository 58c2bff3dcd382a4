import { ApiError } from "../lib/api-error.ts";
import { didYouMeanSentence } from "../lib/did-you-mean.ts";
import { chainProvider, personaProvider } from "../lib/reserved-names.ts";
import type { Strategy } from "../plugin/api/strategy.ts";
import type { RouteSettings, RoutingSettings, TargetSettings } from "../schema/settings.ts";
import type { Condition } from "./condition.ts";
import type {
  ModelCatalog,
  PassedOver,
  RequestFacts,
  Resolution,
  ResolvedTarget,
  Timeouts,
} from "./contracts.ts";

/** A route made ready for use. */
export interface CompiledRoute {
  readonly settings: RouteSettings;
  readonly condition: Condition | undefined;
  readonly strategy: Strategy;
}

export interface ResolverOptions {
  readonly routes: readonly CompiledRoute[];
  readonly routing: RoutingSettings;
  readonly catalog: ModelCatalog;
  /** By their names; undefined serves a persona that names no model. */
  readonly personas?: ReadonlyMap<string, { readonly model: string | undefined }> | undefined;
  /** For models that are asked for without a route. */
  readonly directStrategy: Strategy;
}

const everything = "*";
const personaPrefix = `${personaProvider}/`;
const chainPrefix = `${chainProvider}/`;
const reserved = [personaPrefix, chainPrefix];

/** Names → targets. */
export class Resolver {
  readonly #options: ResolverOptions;
  readonly #routes = new Map<string, CompiledRoute[]>();

  constructor(options: ResolverOptions) {
    this.#options = options;
    for (const route of options.routes) {
      const sameName = this.#routes.get(route.settings.name);
      if (sameName === undefined) this.#routes.set(route.settings.name, [route]);
      else sameName.push(route);
    }
  }

  /**
   * What the asked-for name stands for: the first route of that name whose condition holds, else a model, else the first
   * route named `*` whose condition holds.
   *
   * @throws {ApiError} 404 `model_not_found`; 400 for a name that cannot be one.
   */
  resolve(facts: RequestFacts, nowMs: number): Resolution {
    const passedOver: PassedOver[] = [];
    refuseUnprintable(facts.model);
    if (facts.model.startsWith(personaPrefix)) return this.#persona(facts, nowMs);
    if (facts.model.startsWith(chainPrefix)) return this.#chain(facts, passedOver);
    const named = facts.model === everything
      ? undefined
      : this.#firstRoute(facts.model, facts, nowMs, passedOver);
    if (named !== undefined) return this.#viaRoute(named, facts, passedOver);
    const model = this.#options.catalog.find(facts.model);
    if (model !== undefined) {
      return this.#direct({ name: facts.model, model, weight: 1, firstTokenMs: undefined }, passedOver);
    }
    const fallback = this.#firstRoute(everything, facts, nowMs, passedOver);
    if (fallback !== undefined && facts.model !== everything) {
      return this.#viaRoute(fallback, facts, passedOver);
    }
    throw this.#notFound(facts, passedOver);
  }

  #persona(facts: RequestFacts, nowMs: number): Resolution {
    const persona = facts.model.slice(personaPrefix.length);
    const known = this.#options.personas?.get(persona);
    const model = known === undefined ? undefined : known.model ?? this.#anyChat();
    if (model === undefined) throw this.#notFound(facts, []);
    return { ...this.resolve({ ...facts, model }, nowMs), persona };
  }

  /** What serves where nobody has said what: a route, or a model that can chat. */
  #anyChat(): string | undefined {
    const { catalog } = this.#options;
    return [...this.#routes.keys()].find((name) => name !== everything) ??
      catalog.names().find((name) => {
        const model = catalog.find(name);
        return model !== undefined && model.operations.has("chat") && model.chat !== false &&
          !name.startsWith(chainPrefix);
      });
  }

  /** A chain has ceilings and tries of its own. */
  #chain(facts: RequestFacts, passedOver: readonly PassedOver[]): Resolution {
    const { model: name } = facts;
    const { catalog } = this.#options;
    const model = catalog.names().includes(name) ? catalog.find(name) : undefined;
    if (model === undefined) throw this.#notFound(facts, passedOver);
    return {
      ...this.#direct({ name, model, weight: 1, firstTokenMs: 0 }, passedOver),
      retries: 0,
      timeouts: { firstTokenMs: 0, wholeMs: 0, idleMs: 0, totalMs: 0 },
    };
  }

  #firstRoute(
    name: string,
    facts: RequestFacts,
    nowMs: number,
    passedOver: PassedOver[],
  ): CompiledRoute | undefined {
    const routes = this.#routes.get(name);
    if (routes === undefined) return undefined;
    for (const route of routes) {
      const verdict = route.condition === undefined ? true : route.condition.test(facts, nowMs);
      if (verdict === true) return route;
      const reason = verdict === false ? "does not hold" : `could not be told (${verdict})`;
      passedOver.push({
        route: name,
        index: this.#indexOf(route),
        reason: `${route.condition!.source}, ${reason}`,
      });
    }
    return undefined;
  }

  #viaRoute(route: CompiledRoute, facts: RequestFacts, passedOver: readonly PassedOver[]): Resolution {
    const { routing } = this.#options;
    const { settings, strategy } = route;
    return {
      route: settings.name,
      routeIndex: this.#indexOf(route),
      passedOver,
      strategy: settings.strategy,
      strategyPlugin: strategy,
      targets: settings.targets.map((target) => this.#target(target, facts.model)),
      retries: settings.retries ?? routing.retries,
      onLoss: settings.on_loss ?? routing.on_loss,
      persona: settings.persona,
      cacheTtlMs: (settings.cache?.ttl_seconds ?? 0) * 1000,
      timeouts: timeouts(routing, settings),
      maxInputPrice: settings.max_price?.input,
      maxOutputPrice: settings.max_price?.output,
    };
  }

  #indexOf(route: CompiledRoute): number {
    return this.#options.routes.indexOf(route);
  }

  #direct(target: ResolvedTarget, passedOver: readonly PassedOver[]): Resolution {
    const { routing, directStrategy } = this.#options;
    return {
      route: undefined,
      routeIndex: undefined,
      passedOver,
      strategy: "priority",
      strategyPlugin: directStrategy,
      targets: [target],
      retries: routing.retries,
      onLoss: routing.on_loss,
      persona: undefined,
      cacheTtlMs: 0,
      timeouts: timeouts(routing, undefined),
      maxInputPrice: undefined,
      maxOutputPrice: undefined,
    };
  }

  #target(settings: TargetSettings, asked: string): ResolvedTarget {
    const { target, weight = 1, first_token_ms } = typeof settings === "string"
      ? { target: settings, weight: 1, first_token_ms: undefined }
      : settings;
    const name = target.endsWith("/*") ? wildcard(target, asked) : target;
    return { name, model: this.#options.catalog.find(name), weight, firstTokenMs: first_token_ms };
  }

  #notFound(facts: RequestFacts, passedOver: readonly PassedOver[]): ApiError {
    const prefix = reserved.find((candidate) => facts.model.startsWith(candidate));
    const personas = [...this.#options.personas?.keys() ?? []].map((name) => personaPrefix + name);
    const known = [...this.#routes.keys(), ...this.#options.catalog.names(), ...personas].filter((name) =>
      name !== everything
    );
    const why = prefix !== undefined
      ? didYouMeanSentence(facts.model, known) ||
        ` Names that start with "${prefix}" are those of ${prefix.slice(0, -1)}s.`
      : passedOver.length > 0
      ? ` (${
        passedOver.map(({ route, reason }) => `the condition of the route "${route}", ${reason}`).join("; ")
      })`
      : didYouMeanSentence(facts.model, known);
    return new ApiError({
      status: 404,
      code: "model_not_found",
      param: "model",
      message: `The model \`${facts.model}\` does not exist or cannot be used.${why}`,
    });
  }
}

/** Names end up in URLs, headers and log lines, none of which can hold control characters or half a surrogate pair. */
function refuseUnprintable(name: string): void {
  if (!name.isWellFormed()) {
    throw new ApiError({
      status: 400,
      code: "invalid_model_name",
      param: "model",
      message: "The model's name is not well-formed Unicode.",
    });
  }
  for (let index = 0; index < name.length; index++) {
    const code = name.charCodeAt(index);
    if (code > 0x1f && code !== 0x7f) continue;
    throw new ApiError({
      status: 400,
      code: "invalid_model_name",
      param: "model",
      message: "The model's name holds control characters.",
    });
  }
}

/** `cloud/*` hands the asked-for name on; a name that already has the provider's prefix keeps it once. */
function wildcard(target: string, asked: string): string {
  const prefix = target.slice(0, -1);
  return asked.startsWith(prefix) ? asked : prefix + asked;
}

function timeouts(routing: RoutingSettings, route: RouteSettings | undefined): Timeouts {
  return {
    firstTokenMs: route?.timeouts?.first_token_ms ?? routing.timeouts.first_token_ms,
    wholeMs: route?.timeouts?.whole_ms ?? routing.timeouts.whole_ms,
    idleMs: route?.timeouts?.idle_ms ?? routing.timeouts.idle_ms,
    totalMs: route?.timeouts?.total_ms ?? routing.timeouts.total_ms,
  };
}
