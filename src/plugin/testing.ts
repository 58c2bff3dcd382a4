/** `intellirouter/plugin/testing`: the contract kits that every plugin, built in or not, is tested with. */
export { testStore } from "./testing/store-kit.ts";
export type { StoreKitOptions } from "./testing/store-kit.ts";
export type { Skips, TestFunctions } from "./testing/test-functions.ts";
