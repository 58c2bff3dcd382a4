import type { ConfigProblem } from "../lib/config-error.ts";
import { didYouMeanSentence } from "../lib/did-you-mean.ts";
import { chainProvider, personaProvider } from "../lib/reserved-names.ts";
import type { Settings } from "../schema/settings.ts";

/**
 * Names of personas and guardrails that are not there, and models of personas that are none. Templates are checked where they are compiled.
 *
 * @param fault what is wrong with a name as the target of a route; undefined when nothing is.
 */
export function checkPersonas(
  { personas, guardrails, routes, models, auth }: Settings,
  fault: (target: string) => { readonly message: string } | undefined,
): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const names = Object.keys(personas);
  const check = (name: string | undefined, path: (string | number)[]) => {
    if (name === undefined || names.includes(name)) return;
    const hint = didYouMeanSentence(name, names) ||
      (names.length === 0 ? " There are no [personas.NAME] at all." : ` Personas: ${names.join(", ")}.`);
    problems.push({ path, message: `there is no persona "${name}".${hint}` });
  };
  routes.forEach(({ persona }, index) => check(persona, ["routes", index, "persona"]));
  models.forEach(({ persona }, index) => check(persona, ["models", index, "persona"]));
  auth.keys.forEach(({ persona }, index) => check(persona, ["auth", "keys", index, "persona"]));
  const known = guardrails.map(({ name }) => name);
  known.forEach((name, index) => {
    if (known.indexOf(name) < index) {
      problems.push({
        path: ["guardrails", index, "name"],
        message: `the guardrail name "${name}" is used twice.`,
      });
    }
  });
  const checkAll = (used: readonly string[] | undefined, path: (string | number)[]) =>
    used?.forEach((name, position) => {
      if (known.includes(name)) return;
      const hint = didYouMeanSentence(name, known) ||
        (known.length === 0 ? " There are no [[guardrails]] at all." : ` Guardrails: ${known.join(", ")}.`);
      problems.push({
        path: [...path, "guardrails", position],
        message: `there is no guardrail "${name}".${hint}`,
      });
    });
  routes.forEach((route, index) => checkAll(route.guardrails, ["routes", index]));
  models.forEach((model, index) => checkAll(model.guardrails, ["models", index]));
  auth.keys.forEach((key, index) => checkAll(key.guardrails, ["auth", "keys", index]));
  for (const name of names) checkAll(personas[name]!.guardrails, ["personas", name]);
  const routeNames = new Set(routes.map(({ name }) => name));
  for (const [name, { model }] of Object.entries(personas)) {
    if (model === undefined || routeNames.has(model)) continue;
    const path = ["personas", name, "model"];
    if (model.startsWith(`${personaProvider}/`)) {
      problems.push({
        path,
        message: "a persona is answered by a model, a route or a chain, not by a persona.",
      });
    } else if (!routeNames.has("*") || model.startsWith(`${chainProvider}/`)) {
      const found = fault(model);
      if (found !== undefined) problems.push({ path, message: found.message });
    }
  }
  return problems;
}
