import type { MemoryPolicy, MemoryPolicySettings, MemorySettings } from "../schema/memory.ts";

interface Remembering {
  readonly memory?: MemoryPolicySettings | undefined;
}

export interface PolicySources {
  readonly memory: MemorySettings;
  readonly routes: readonly (Remembering & { readonly name: string })[];
  readonly models: readonly (Remembering & { readonly id: string })[];
}

/** What is remembered for which names. */
export class MemoryPolicies {
  readonly #settings: MemorySettings;
  readonly #models: ReadonlyMap<string, MemoryPolicySettings>;
  readonly #routes: readonly (MemoryPolicySettings | undefined)[];
  readonly #routeNames: ReadonlyMap<string, MemoryPolicySettings | undefined>;

  constructor({ memory, routes, models }: PolicySources) {
    this.#settings = memory;
    this.#routes = routes.map((route) => route.memory);
    this.#models = new Map(
      models.flatMap((model) => model.memory === undefined ? [] : [[model.id, model.memory]]),
    );
    // Of several routes of a name the first that says something speaks for the name.
    this.#routeNames = new Map(routes.toReversed().map(({ name, memory: given }) => [name, given]));
  }

  /** Whether anything is remembered at all; where not, requests need not be looked at. */
  get isUsed(): boolean {
    return this.#settings.everything || this.#models.size > 0 || this.#routes.some(Boolean);
  }

  /** @param routeIndex of the route that serves; before that is known the name decides. */
  find(model: string, routeIndex?: number): MemoryPolicy | undefined {
    const route = routeIndex === undefined
      ? this.#routeNames.get(model) ?? this.#routeNames.get("*")
      : this.#routes[routeIndex];
    const given = this.#models.get(model) ?? route ?? this.#settings.everything;
    if (given === false) return undefined;
    return given === true ? this.#settings : { ...this.#settings, ...given } as MemoryPolicy;
  }
}
