import { ChainError, type Passage, type Search } from "../contracts.ts";
import type { StepContext } from "../run-context.ts";

/** @throws {ChainError} `tool` where there is nothing to search in. */
export async function searchStores(
  search: Search,
  { run, signal }: StepContext,
): Promise<readonly Passage[]> {
  if (run.calls.search === undefined) {
    throw new ChainError("tool", "nothing can be searched here: there are no vector stores");
  }
  return await run.calls.search(search, signal);
}
