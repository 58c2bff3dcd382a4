import type { Embedding } from "../../memory/long-term-memory.ts";
import type { Memory } from "../../memory/memory.ts";
import type { MemoryPolicies } from "../../memory/policies.ts";
import type { Exchange } from "../stages/stage.ts";

/** Memory as the gateway uses it. */
export interface GatewayMemory {
  /** Opens it, the first time. @throws when what is stored cannot be read. */
  open(): Promise<Memory>;
  /** What is remembered for which names, as the configuration now has it. */
  policies(): MemoryPolicies;
  /** Makes vectors on behalf of a request; undefined where no embedding model is configured. */
  embedding(exchange: Exchange): Embedding | undefined;
  /** Told of what went wrong and does not hold a request up; must not throw. */
  onError(message: string, error: unknown): void;
}
