import { ApiError } from "../../lib/api-error.ts";
import type { Clock } from "../../lib/clock.ts";
import type { Persona, PersonaFacts } from "../../persona/persona.ts";
import type { OperationName } from "../../router/contracts.ts";
import type { Exchange, Stage } from "../stages/stage.ts";

/** Endpoints that talk: others have nobody to be. */
const talking: ReadonlySet<OperationName> = new Set(["chat", "messages", "responses"]);

/**
 * Makes requests those of a persona: the one that was asked for, else that of the route or the model, else that of the caller's key.
 *
 * @param models personas of names of models.
 */
export function personaStage(
  personas: ReadonlyMap<string, Persona>,
  models: ReadonlyMap<string, string>,
  clock: Pick<Clock, "now">,
): Stage {
  const nameOf = (exchange: Exchange) => personaOf(exchange, models);
  return {
    name: "persona",
    concerns: (exchange) => talking.has(exchange.operation) && nameOf(exchange) !== undefined,
    begin(exchange) {
      const name = nameOf(exchange)!;
      const persona = personas.get(name);
      if (persona === undefined) throw unknownPersona(name);
      apply(persona, exchange, clock.now());
      exchange.note({ stage: "persona", name, action: "applied" });
    },
  };
}

/** The persona of a request: that of its name or route, else of its model, else of its caller's key. @param models personas of names of models. */
export function personaOf(
  { resolution, model, principal, depth }: Exchange,
  models: ReadonlyMap<string, string>,
): string | undefined {
  return resolution.persona ?? models.get(model) ?? (depth === 0 ? principal.persona : undefined);
}

function apply(persona: Persona, exchange: Exchange, now: number): void {
  const { prompt } = exchange;
  const { instructions, examples } = persona.fill(factsOf(exchange, now));
  const { position } = persona;
  for (const text of [instructions, ...examples.map(({ content }) => content)]) exchange.ownTexts.add(text);
  if (position === "replace") prompt.dropInstructions();
  const isMute = position === "default" &&
    prompt.texts().some(({ role, text }) => role === "system" && text !== "");
  if (!isMute) prompt.addInstructions(instructions, position === "after" ? "last" : "first");
  prompt.prepend(examples.map((turn) => ({ ...turn })));
  const { max_tokens: maxTokens, ...parameters } = persona.parameters;
  prompt.setDefaults({ ...parameters, max_completion_tokens: maxTokens });
  if (persona.allowsTool !== undefined) prompt.restrictTools(persona.allowsTool);
}

function factsOf({ headers, prompt, principal, model }: Exchange, now: number): PersonaFacts {
  const { metadata, user } = prompt.body;
  return {
    header: (name) => headers.get(name) ?? undefined,
    metadata: typeof metadata === "object" && metadata !== null ? metadata as Record<string, unknown> : {},
    user: typeof user === "string" ? user : undefined,
    key: {
      ...principal.labels,
      id: principal.id,
      team: principal.team,
      organisation: principal.organisation,
      tenant: principal.tenant,
    },
    model,
    now,
  };
}

/** Only a key can name one that is not there: the configuration is checked. */
function unknownPersona(name: string): ApiError {
  return new ApiError({
    status: 500,
    code: "persona_not_found",
    message:
      `The persona "${name}" of the caller's key is not configured. Its administrator must change one or the other.`,
    shouldRetry: false,
  });
}
