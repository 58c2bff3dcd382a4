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

/**
 * A check of targets against patterns, in which `*` stands for any text. Patterns are compared as text and not as
 * regular expressions, so they cannot be slow.
 */
export function targetMatcher(patterns: readonly string[]): (target: string) => boolean {
  if (patterns.includes("*")) return () => true;
  const compiled = patterns.map((pattern) => pattern.split("*"));
  return (target) => compiled.some((parts) => matches(target, parts));
}

function matches(text: string, parts: readonly string[]): boolean {
  const [first = "", ...rest] = parts;
  if (rest.length === 0) return text === first;
  if (!text.startsWith(first)) return false;
  const last = rest.pop()!;
  let position = first.length;
  for (const part of rest) {
    const found = text.indexOf(part, position);
    if (found < 0) return false;
    position = found + part.length;
  }
  return text.length - last.length >= position && text.endsWith(last);
}
