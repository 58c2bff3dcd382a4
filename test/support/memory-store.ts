import type { Store } from "intellirouter/plugin";
import memory from "../../plugins/stores/memory.ts";
import { testHost } from "./test-host.ts";

/** A real store for tests. */
export default function memoryStore(now: () => number = () => Date.now()): Store {
  return memory.create({}, testHost({ now })) as Store;
}
