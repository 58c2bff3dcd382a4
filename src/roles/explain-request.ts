import { textMatcher } from "../lib/text-pattern.ts";
import type { Environment } from "../config/environment.ts";
import type { LoadedSettings } from "../config/load-settings.ts";
import { chatOperation } from "../gateway/operations/chat.ts";
import { ApiError } from "../lib/api-error.ts";
import type { AnyPlugin } from "../plugin/api/define-plugin.ts";
import type { RequestFacts, Resolution } from "../router/contracts.ts";
import { chatCompletionRequestSchema } from "../schema/chat-completion.ts";
import type { Candidate } from "../schema/decision.ts";
import { composeOffline } from "./compose-offline.ts";

export interface Explanation {
  readonly model: string;
  readonly route: string | null;
  /** That of the name or the route; a key may have one beside. */
  readonly persona: string | null;
  readonly strategy: string | null;
  readonly policy: string;
  readonly prompt_tokens: number;
  /** In the order of tries; the removed ones last. */
  readonly candidates: readonly Candidate[];
  readonly route_index: number | null;
  readonly passed_over: Resolution["passedOver"];
  readonly timeouts: Readonly<Record<"first_token_ms" | "whole_ms" | "idle_ms" | "total_ms", number>> | null;
  readonly retries: number | null;
  /** Why no target remains, when none does. */
  readonly error: { readonly status: number; readonly code: string | null; readonly message: string } | null;
}

/**
 * What would be decided for a chat request. Nobody is called, and no state of a running gateway is known: every target
 * counts as healthy and idle.
 *
 * @param keyId the id of a static key whose rights are to be applied; undefined for all rights.
 * @throws {TypeError} when the request itself is no chat request.
 */
export async function explainRequest(
  loaded: LoadedSettings,
  builtins: readonly AnyPlugin[],
  environment: Environment,
  request: unknown,
  headers: Headers,
  keyId: string | undefined,
): Promise<Explanation> {
  const parsed = chatCompletionRequestSchema.safeParse(request);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new TypeError(
      `The request is no chat completion: ${issue!.path.join(".") || "body"}: ${issue!.message}`,
    );
  }
  const composition = await composeOffline(loaded, builtins, environment);
  const body = parsed.data;
  const facts: RequestFacts = {
    ...chatOperation.summarise(body),
    operation: "chat",
    model: body.model,
    body,
    headers,
    stream: body.stream === true,
    ...rightsOf(loaded, keyId),
    prompt: () => chatOperation.prompt(body),
  };
  const candidates: Candidate[] = [];
  let resolution: Resolution | undefined;
  let error: Explanation["error"] = null;
  try {
    resolution = composition.router.resolve(facts);
    composition.router.plan(resolution, facts, candidates);
  } catch (thrown) {
    if (!(thrown instanceof ApiError)) throw thrown;
    error = { status: thrown.status, code: thrown.code, message: thrown.message };
  } finally {
    await composition.dispose();
  }
  return {
    model: body.model,
    route: resolution?.route ?? null,
    persona: resolution?.persona ?? loaded.settings.models.find(({ id }) => id === body.model)?.persona ??
      null,
    strategy: resolution?.strategy ?? null,
    policy: composition.policyHash,
    prompt_tokens: facts.promptTokens,
    candidates: candidates.toSorted((left, right) => (left.rank ?? Infinity) - (right.rank ?? Infinity)),
    route_index: resolution?.routeIndex ?? null,
    passed_over: resolution?.passedOver ?? [],
    timeouts: resolution === undefined ? null : {
      first_token_ms: resolution.timeouts.firstTokenMs,
      whole_ms: resolution.timeouts.wholeMs,
      idle_ms: resolution.timeouts.idleMs,
      total_ms: resolution.timeouts.totalMs,
    },
    retries: resolution?.retries ?? null,
    error,
  };
}

function rightsOf(
  loaded: LoadedSettings,
  keyId: string | undefined,
): Pick<RequestFacts, "principal" | "mayUse"> {
  if (keyId === undefined) {
    return {
      principal: { id: "anonymous", roles: ["admin", "developer"] },
      mayUse: () => true,
    };
  }
  const key = loaded.settings.auth.keys.find(({ id }) => id === keyId);
  if (key === undefined) throw new TypeError(`There is no static key "${keyId}" in the configuration.`);
  return { principal: { id: key.id, roles: key.roles }, mayUse: textMatcher(key.models) };
}
