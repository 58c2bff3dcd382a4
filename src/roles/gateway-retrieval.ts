import { builtInRoles } from "../auth/permissions.ts";
import { everything, type Principal } from "../auth/principal.ts";
import type { GatewayRetrieval } from "../gateway/retrieval/gateway-retrieval.ts";
import type { ModelCaller } from "../gateway/internal-call.ts";
import { operatorCaller, sharedTenant } from "../rag/contracts.ts";
import { RetrievalRole, type RetrievalWorld } from "./open-retrieval.ts";
import { backgroundCaller, retrievalCaller } from "./retrieval-models.ts";

/** Whoever has access to the data directory: by the command line, on behalf of a tenant. */
export function operatorPrincipal(tenant: string): Principal {
  return {
    id: operatorCaller,
    roles: ["admin"],
    permissions: new Set(builtInRoles.admin),
    tenant,
    team: undefined,
    organisation: undefined,
    mayUse: () => true,
    mayAsk: () => true,
    mayCall: () => true,
    accounts: [],
    grants: everything,
  };
}

export interface RetrievalModule {
  readonly role: RetrievalRole;
  readonly gateway: GatewayRetrieval;
}

/** Retrieval as requests use it, and its work in the background. @param principalOf the caller of an id, as it now is. */
export function gatewayRetrieval(
  world: Omit<RetrievalWorld, "callerOf">,
  caller: () => ModelCaller,
  principalOf: (id: string) => Principal | undefined,
): RetrievalModule {
  const callerOf = backgroundCaller(
    caller,
    (id) => id === operatorCaller ? operatorPrincipal(sharedTenant) : principalOf(id),
  );
  const role = new RetrievalRole({ ...world, callerOf });
  const gateway: GatewayRetrieval = {
    open: () => role.open(),
    search: (request, { principal, requestId, decisionId, depth }, signal) =>
      role.open().vectorStores.search(
        request,
        retrievalCaller(caller(), { principal, requestId, decisionId, depth }),
        signal,
      ),
    onError: (message, error) =>
      world.logger.warn(message, { error: error instanceof Error ? error.message : error }),
  };
  return { role, gateway };
}
