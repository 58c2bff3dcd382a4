import { ApiError } from "../../lib/api-error.ts";
import type { KeyFields } from "../../schema/account.ts";
import { AddressRanges } from "../address-ranges.ts";
import { builtInRoles, type RoleBook } from "../permissions.ts";
import { everything, type Principal } from "../principal.ts";
import { textMatcher } from "../../lib/text-pattern.ts";

/** Who makes or changes an account. */
export type Maker = Pick<Principal, "id" | "permissions" | "tenant" | "team" | "grants" | "accounts">;

/** Whoever can write the data directory, on the command line. */
export const commandLine: Maker = {
  id: "command-line",
  permissions: new Set(builtInRoles.admin),
  tenant: "default",
  team: undefined,
  grants: everything,
  accounts: [],
};

/**
 * A key's rights are never more than its maker's.
 *
 * @throws {ApiError} 403 with the field that is too much.
 */
export function checkRights(maker: Maker, fields: KeyFields, roles: RoleBook): void {
  const unknown = fields.roles.find((role) => !roles.has(role));
  if (unknown !== undefined) {
    throw new ApiError({
      status: 400,
      code: "unknown_role",
      param: "roles",
      message: `There is no role "${unknown}". Roles: ${roles.names().join(", ")}.`,
    });
  }
  for (const permission of roles.permissionsOf(fields.roles)) {
    if (!maker.permissions.has(permission)) {
      throw excess("roles", `the permission ${permission}, which you do not have`);
    }
  }
  const { grants } = maker;
  checkPatterns("models", fields.models, grants.models);
  checkPatterns("routes", fields.routes, grants.routes);
  checkPatterns("endpoints", fields.endpoints, grants.endpoints);
  if (grants.ipRanges !== undefined) {
    const own = new AddressRanges(grants.ipRanges);
    const outside = fields.ip_ranges?.find((range) => !own.covers(range));
    if (fields.ip_ranges === undefined) throw excess("ip_ranges", "all addresses, and yours are restricted");
    if (outside !== undefined) {
      throw excess("ip_ranges", `${outside}, which is outside of your own addresses`);
    }
  }
  const expiresAt = fields.expires_at === undefined ? Infinity : Date.parse(fields.expires_at);
  if (grants.expiresAt !== undefined && expiresAt > grants.expiresAt) {
    throw excess("expires_at", "a life that is longer than your own");
  }
  checkAmounts(maker, fields);
  if (maker.team !== undefined && fields.team !== maker.team) {
    throw excess("team", "another team than your own");
  }
  const mayNameTenants = maker.team === undefined && maker.permissions.has("teams.write");
  if (fields.tenant !== undefined && fields.tenant !== maker.tenant && !mayNameTenants) {
    throw excess("tenant", "another tenant than your own");
  }
}

/** Whoever is limited makes no key that is less so, and does not unlimit its own. */
function checkAmounts(maker: Maker, fields: KeyFields): void {
  const own = maker.accounts.find(({ scope }) => scope === `key:${maker.id}`);
  for (const kind of ["limits", "budget"] as const) {
    const given = fields[kind] as Readonly<Record<string, unknown>> | undefined;
    for (const [name, most] of Object.entries(own?.[kind] ?? {})) {
      if (typeof most !== "number") continue;
      const asked = given?.[name];
      if (typeof asked !== "number" || asked > most) {
        throw excess(kind, `more ${name} than your own ${most}`);
      }
    }
    if (kind === "budget" && own?.budget?.mode === "hard" && fields.budget?.mode !== "hard") {
      throw excess(kind, "a soft budget, and yours is hard");
    }
  }
}

/** A pattern is covered when it matches as a text: what one star takes, another within it takes as well. */
function checkPatterns(field: string, asked: readonly string[], own: readonly string[]): void {
  const covers = textMatcher(own);
  const outside = asked.find((pattern) => !covers(pattern));
  if (outside !== undefined) throw excess(field, `"${outside}", which your own key does not have`);
}

function excess(param: string, what: string): ApiError {
  return new ApiError({
    status: 403,
    code: "insufficient_rights",
    param,
    message: `A key cannot have more rights than its maker: \`${param}\` asks for ${what}.`,
  });
}
