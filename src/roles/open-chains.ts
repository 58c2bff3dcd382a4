import { join } from "node:path";
import type { ChainCalls } from "../chain/contracts.ts";
import { ChainRuns } from "../chain/chain-runs.ts";
import { ChainRunStore } from "../chain/run-store.ts";
import { type ChainServices, createChainProvider } from "../gateway/chains/chain-provider.ts";
import type { GatewayServices } from "../gateway/gateway-services.ts";
import { ModelCaller } from "../gateway/internal-call.ts";
import { chainProvider } from "../lib/reserved-names.ts";
import { openSqlite } from "../runtime/sqlite.ts";
import type { SharedServices } from "./shared-services.ts";

export interface OpenedChains {
  readonly runs: ChainRuns;
  readonly ownProviders: NonNullable<SharedServices["ownProviders"]>;
  close(): void;
}

const dayMs = 24 * 60 * 60 * 1000;
const forgetEveryMs = 3_600_000;

/** Opens the records of runs, and gives what runs chains. @param gateway asked when the first chain runs. */
export function openChains(
  { dataDirectory, clock, egress, logger }: Pick<
    SharedServices,
    "dataDirectory" | "clock" | "egress" | "logger"
  >,
  retentionDays: () => number,
  gateway: () => GatewayServices,
): OpenedChains {
  const path = dataDirectory === undefined ? ":memory:" : join(dataDirectory, "gateway-chains.sqlite");
  const store = new ChainRunStore(openSqlite(path));
  const runs = new ChainRuns(store, clock);
  const forget = () => {
    try {
      const days = retentionDays();
      if (days > 0) store.forget(clock.now() - days * dayMs);
    } catch (error) {
      logger.error("old runs of chains cannot be removed", { error });
    }
    timer = clock.setTimeout(forget, forgetEveryMs);
  };
  let timer = clock.setTimeout(forget, forgetEveryMs);
  const callTool: ChainCalls["callTool"] = ({ url, body, ...call }, signal) =>
    egress(url, { ...call, ...(body === undefined ? {} : { body }), signal });
  const search: ChainServices["search"] =
    ({ principal, requestId, decisionId, internal }) => async (asked, signal) => {
      const { vectorStores, query, maxResults } = asked;
      const { retrieval } = gateway();
      if (retrieval === undefined) throw new Error("nothing can be searched here");
      const { results } = await retrieval.search(
        { vectorStores, queries: [query], maxResults },
        { principal, requestId, decisionId, depth: internal?.depth ?? 0 },
        signal,
      );
      return results.map(({ text, fileId, filename, score }) => ({ text, file_id: fileId, filename, score }));
    };
  return {
    runs,
    ownProviders: (chains) => {
      if (chains.size === 0) return new Map();
      let models: ModelCaller | undefined;
      return new Map([[
        chainProvider,
        (call, note) =>
          createChainProvider(
            { runs, callTool, search },
            chains,
            models ??= new ModelCaller(gateway()),
            call,
            (name, run) => note({ stage: "chain", name, action: "ran", detail: run }),
          ),
      ]]);
    },
    close: () => {
      clock.clearTimeout(timer);
      store.close();
    },
  };
}
