import type { LoadedSettings } from "../config/load-settings.ts";
import { guardrailStage } from "../gateway/guardrails/guardrail-stage.ts";
import type { ModelCaller } from "../gateway/internal-call.ts";
import { personaOf } from "../gateway/persona/persona-stage.ts";
import type { Exchange, Stage } from "../gateway/stages/stage.ts";
import { ApiError } from "../lib/api-error.ts";
import type { Clock } from "../lib/clock.ts";
import type { SettingPath } from "../lib/config-error.ts";
import type { GuardrailRule } from "../persona/guardrails/guarded-exchange.ts";
import type { Guardrail, GuardrailQuestion } from "../plugin/api/guardrail.ts";

/** Makes the guardrails of a configuration, in its order. */
export async function composeGuardrails(
  { settings }: LoadedSettings,
  make: (kind: string, options: Readonly<Record<string, unknown>>, path: SettingPath) => Promise<Guardrail>,
): Promise<readonly GuardrailRule[]> {
  const rules: GuardrailRule[] = [];
  for (const [index, rule] of settings.guardrails.entries()) {
    rules.push({ settings: rule, guardrail: await make(rule.kind, rule.options, ["guardrails", index]) });
  }
  return rules;
}

/** @param models asks models on behalf of callers; absent where no request is served. */
export function guardrailStages(
  rules: readonly GuardrailRule[],
  loaded: LoadedSettings,
  clock: Clock,
  models: (() => ModelCaller) | undefined,
): Stage[] {
  const finder = new RuleFinder(rules, loaded);
  return [guardrailStage({
    clock,
    rulesOf: (exchange) => finder.find(exchange),
    async ask(exchange, question, signal) {
      if (models === undefined) throw new Error("no model can be asked here");
      return await ask(models(), exchange, question, signal);
    },
  })];
}

const none: readonly GuardrailRule[] = [];

/** Which rules are a request's: those for everything, and those that its route, model, persona or key names. */
class RuleFinder {
  readonly #rules: readonly GuardrailRule[];
  readonly #everywhere: readonly string[];
  readonly #routes: readonly (readonly string[] | undefined)[];
  readonly #models: ReadonlyMap<string, readonly string[]>;
  readonly #personas: ReadonlyMap<string, readonly string[]>;
  readonly #personaOfModel: ReadonlyMap<string, string>;

  constructor(rules: readonly GuardrailRule[], { settings }: LoadedSettings) {
    this.#rules = rules;
    this.#everywhere = rules.filter(({ settings: { everywhere } }) => everywhere).map((
      { settings: { name } },
    ) => name);
    this.#routes = settings.routes.map(({ guardrails }) => guardrails);
    this.#models = named(settings.models.map(({ id, guardrails }) => [id, guardrails]));
    this.#personas = named(
      Object.entries(settings.personas).map(([name, { guardrails }]) => [name, guardrails]),
    );
    this.#personaOfModel = new Map(
      settings.models.flatMap(({ id, persona }) => persona === undefined ? [] : [[id, persona]]),
    );
  }

  /** @throws {ApiError} where a key names one that is not there: it must not go without. */
  find(exchange: Exchange): readonly GuardrailRule[] {
    const { principal, resolution, model, depth } = exchange;
    // A key's own are for what its holder says, not for each step that this leads to.
    const ofKey = depth === 0 ? principal.guardrails : undefined;
    if (this.#rules.length === 0 && ofKey === undefined) return none;
    const persona = personaOf(exchange, this.#personaOfModel);
    const names = new Set([
      ...this.#everywhere,
      ...(resolution.routeIndex === undefined ? [] : this.#routes[resolution.routeIndex] ?? []),
      ...this.#models.get(model) ?? [],
      ...(persona === undefined ? [] : this.#personas.get(persona) ?? []),
      ...ofKey ?? [],
    ]);
    const found = this.#rules.filter(({ settings: { name } }) => names.has(name));
    if (found.length < names.size) {
      const lost = [...names].find((name) => !found.some(({ settings }) => settings.name === name));
      throw new ApiError({
        status: 500,
        code: "guardrail_not_found",
        message:
          `The guardrail "${lost}" of the caller's key is not configured. Its administrator must change one or the other.`,
        shouldRetry: false,
      });
    }
    return found;
  }
}

function named(entries: readonly (readonly [string, readonly string[] | undefined])[]) {
  return new Map(
    entries.flatMap(([name, guardrails]) => guardrails === undefined ? [] : [[name, guardrails] as const]),
  );
}

async function ask(
  models: ModelCaller,
  { model, principal, requestId, decisionId, depth }: Exchange,
  { model: other = model, messages, schema, maxTokens }: GuardrailQuestion,
  signal: AbortSignal,
): Promise<string> {
  const { choices } = await models.chat({
    model: other,
    messages: messages.map((message) => ({ ...message })),
    ...(maxTokens === undefined ? {} : { max_completion_tokens: maxTokens }),
    ...(schema === undefined ? {} : {
      response_format: { type: "json_schema", json_schema: { name: "verdict", schema: { ...schema } } },
    }),
  }, { principal, requestId, decisionId, depth, purpose: "guardrail", signal });
  const content = choices[0]?.message.content;
  if (!content) throw new Error(`the model ${other} said nothing`);
  return content;
}
