import { type Permission, permissionSchema } from "../schema/account.ts";

export type { Permission };

const every: readonly Permission[] = permissionSchema.options;
/** What people have said is nobody's to read who only looks after the gateway. */
const reading = every.filter((permission) => permission.endsWith(".read") && permission !== "memory.read");

/** What the built-in roles may do. */
export const builtInRoles: Readonly<Record<string, readonly Permission[]>> = {
  admin: every,
  operator: ["inference", "cache.write", ...reading],
  developer: ["inference"],
  viewer: reading,
  service: ["inference"],
};

/** A role of the configuration. */
export interface RoleSettings {
  readonly name: string;
  readonly permissions: readonly Permission[];
}

/** Knows what every role may do. A role that is not known (any more) may do nothing. */
export class RoleBook {
  readonly #roles: ReadonlyMap<string, readonly Permission[]>;

  constructor(custom: readonly RoleSettings[] = []) {
    this.#roles = new Map([
      ...Object.entries(builtInRoles),
      ...custom.map(({ name, permissions }) => [name, permissions] as const),
    ]);
  }

  has(role: string): boolean {
    return this.#roles.has(role);
  }

  names(): readonly string[] {
    return [...this.#roles.keys()];
  }

  permissionsOf(roles: readonly string[]): ReadonlySet<Permission> {
    return new Set(roles.flatMap((role) => this.#roles.get(role) ?? []));
  }
}
