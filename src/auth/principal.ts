export type Role = "admin" | "developer";

/** Who is calling, once known. Immutable: a request keeps the rights it came with. */
export interface Principal {
  /** Name of the key, or `anonymous`; appears in logs and records, so it is never the key itself. */
  readonly id: string;
  readonly roles: readonly Role[];
  /** Separates the data of different customers. */
  readonly tenant: string;
  /** Whether the caller may use a target, given as `provider/model`. */
  mayUse(target: string): boolean;
}

/** What a route asks for. */
export type Permission = "inference" | "administration";

export function hasPermission(principal: Principal, permission: Permission): boolean {
  return permission === "inference" || principal.roles.includes("admin");
}

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
