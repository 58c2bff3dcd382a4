import type { RetrievalPolicy } from "../schema/retrieval.ts";

interface Retrieving {
  readonly retrieval?: RetrievalPolicy | undefined;
}

export interface PolicySources {
  readonly routes: readonly Retrieving[];
  readonly models: readonly (Retrieving & { readonly id: string })[];
}

/** For which names passages are looked for, and where. */
export class RetrievalPolicies {
  readonly #models: ReadonlyMap<string, RetrievalPolicy>;
  readonly #routes: readonly (RetrievalPolicy | undefined)[];

  constructor({ routes, models }: PolicySources) {
    this.#routes = routes.map(({ retrieval }) => retrieval);
    this.#models = new Map(
      models.flatMap(({ id, retrieval }) => retrieval === undefined ? [] : [[id, retrieval]]),
    );
  }

  /** Whether there is any; where not, requests need not be looked at. */
  get isUsed(): boolean {
    return this.#models.size > 0 || this.#routes.some(Boolean);
  }

  /** @param routeIndex of the route that serves. */
  find(model: string, routeIndex: number | undefined): RetrievalPolicy | undefined {
    return this.#models.get(model) ?? (routeIndex === undefined ? undefined : this.#routes[routeIndex]);
  }
}
