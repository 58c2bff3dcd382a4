import type { Budget, Limits } from "../schema/account.ts";
import type { Permission } from "./permissions.ts";

/** Who is calling, once known. Immutable: a request keeps the rights it came with. */
export interface Principal {
  /** Id of the key, or `anonymous`; appears in logs and records, so it is never the key itself. */
  readonly id: string;
  readonly roles: readonly string[];
  readonly permissions: ReadonlySet<Permission>;
  /** Separates the data of different customers. */
  readonly tenant: string;
  /** Its administrative permissions reach no further than this team; undefined reaches everything. */
  readonly team: string | undefined;
  readonly organisation: string | undefined;
  /** The persona of its requests, where nothing else has one. */
  readonly persona?: string | undefined;
  /** Guardrails of its requests, beside those of what it asks for. */
  readonly guardrails?: readonly string[] | undefined;
  /** What its administrator has written down about it, for the templates of personas. */
  readonly labels?: {
    readonly name?: string | undefined;
    readonly owner?: string | undefined;
    readonly metadata?: Readonly<Record<string, string>> | undefined;
  };
  /** Whether the caller may use a target, given as `provider/model`. */
  mayUse(target: string): boolean;
  /** Whether the caller may ask for a name: a model, an alias, a route. */
  mayAsk(name: string): boolean;
  /** Whether the caller may call a path. */
  mayCall(path: string): boolean;
  /** Whose limits and budgets its requests must be within: its own, its team's, its organisation's. */
  readonly accounts: readonly ChargedAccount[];
  /** What the rights are made of; a key that it makes may have no others. */
  readonly grants: Grants;
}

/** One whose limits and budget count. */
export interface ChargedAccount {
  /** `key:ID`, `team:ID`, `organisation:ID`; as in the books. */
  readonly scope: string;
  readonly limits: Limits | undefined;
  readonly budget: Budget | undefined;
}

/** Rights that are given as patterns, addresses and a time. */
export interface Grants {
  readonly models: readonly string[];
  readonly routes: readonly string[];
  readonly endpoints: readonly string[];
  readonly ipRanges: readonly string[] | undefined;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number | undefined;
}

export const everything: Grants = {
  models: ["*"],
  routes: ["*"],
  endpoints: ["*"],
  ipRanges: undefined,
  expiresAt: undefined,
};
