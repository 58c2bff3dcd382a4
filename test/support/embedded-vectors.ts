import type { VectorStore } from "intellirouter/plugin";
import sqlite from "../../plugins/vectors/sqlite.ts";
import { testHost } from "./test-host.ts";

/** The embedded vector store, empty and in memory. */
export function embeddedVectors(): VectorStore {
  return sqlite.create(sqlite.options.parse({}), testHost()) as VectorStore;
}
