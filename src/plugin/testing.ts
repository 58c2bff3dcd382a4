/** `intellirouter/plugin/testing`: the contract kits that every plugin, built in or not, is tested with. */
export { testStore } from "./testing/store-kit.ts";
export type { StoreKitOptions } from "./testing/store-kit.ts";
export { testStrategy } from "./testing/strategy-kit.ts";
export type { StrategyKitOptions } from "./testing/strategy-kit.ts";
export type { Skips, TestFunctions } from "./testing/test-functions.ts";
export { testProvider } from "./testing/provider-kit.ts";
export type { ProviderKitOptions } from "./testing/provider-kit.ts";
export { testExporter } from "./testing/exporter-kit.ts";
export type { ExporterKitOptions } from "./testing/exporter-kit.ts";
export { sampleEvents, sampleFamilies } from "./testing/sample-telemetry.ts";
export { testVectorStore } from "./testing/vector-store-kit.ts";
export type { VectorStoreKitOptions } from "./testing/vector-store-kit.ts";
export { testChain } from "./testing/chain-kit.ts";
export type { ChainKitOptions } from "./testing/chain-kit.ts";
export { testGuardrail } from "./testing/guardrail-kit.ts";
export type { GuardrailKitOptions } from "./testing/guardrail-kit.ts";
