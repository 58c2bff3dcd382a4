import type { PluginHost } from "intellirouter/plugin";
import { createEgress } from "../../src/plugin/host/egress.ts";
import { openSqlite } from "../../src/runtime/sqlite.ts";

const silent = { debug() {}, info() {}, warn() {}, error() {} };

/** A plugin host for tests: fixed time and randomness, memory databases, and no way out unless one is given. */
export function testHost(overrides: Partial<PluginHost> = {}): PluginHost {
  return {
    logger: silent,
    fetch: () => Promise.reject(new Error("this test host has no network")),
    download: () => Promise.reject(new Error("this test host has no network")),
    now: () => 1_700_000_000_000,
    random: () => 0.5,
    secret: () => undefined,
    variable: () => undefined,
    sqlite: () => openSqlite(":memory:"),
    ...overrides,
  };
}

/** The real way out, for tests against servers on loopback. */
export const egress = createEgress();
