import type { LoadedSettings } from "../config/load-settings.ts";
import { personaStage } from "../gateway/persona/persona-stage.ts";
import type { Stage } from "../gateway/stages/stage.ts";
import type { Clock } from "../lib/clock.ts";
import { Persona, PersonaDefinitionError } from "../persona/persona.ts";
import { located } from "./located.ts";

/** @throws {ConfigError} with the place in the file of what is wrong. */
export async function composePersonas(loaded: LoadedSettings): Promise<ReadonlyMap<string, Persona>> {
  const personas = new Map<string, Persona>();
  for (const [name, settings] of Object.entries(loaded.settings.personas)) {
    try {
      personas.set(name, new Persona(name, settings));
    } catch (error) {
      if (!(error instanceof PersonaDefinitionError)) throw error;
      throw await located(error, loaded, ["personas", name, ...error.path]);
    }
  }
  return personas;
}

/** A key may have a persona that is not there, and must then not be served as somebody else: the stage is always there. */
export function personaStages(
  personas: ReadonlyMap<string, Persona>,
  { settings }: LoadedSettings,
  clock: Clock,
): Stage[] {
  const models = new Map(
    settings.models.flatMap(({ id, persona }) => persona === undefined ? [] : [[id, persona]]),
  );
  return [personaStage(personas, models, clock)];
}
