import { ApiError } from "../lib/api-error.ts";
import { isCredentialHeader } from "../lib/credential-headers.ts";
import { didYouMeanSentence } from "../lib/did-you-mean.ts";
import { compileTemplate, lookUp, type Template, textOf } from "../lib/template.ts";
import { textMatcher } from "../lib/text-pattern.ts";
import type { PersonaSettings } from "../schema/persona.ts";

/** A persona that cannot be used as it is written. */
export class PersonaDefinitionError extends Error {
  override readonly name = "PersonaDefinitionError";
  /** Where, within the persona's own table: `["examples", 0, "user"]`. */
  readonly path: readonly (string | number)[];

  constructor(path: readonly (string | number)[], message: string) {
    super(message);
    this.path = path;
  }
}

/** What templates may name of one request. */
export interface PersonaFacts {
  /** The value of a header; its name is in lower case. */
  header(name: string): string | undefined;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly user: string | undefined;
  /** What the operator knows of the caller. */
  readonly key: {
    readonly id: string;
    readonly name?: string | undefined;
    readonly owner?: string | undefined;
    readonly team?: string | undefined;
    readonly organisation?: string | undefined;
    readonly tenant: string;
    readonly metadata?: Readonly<Record<string, string>> | undefined;
  };
  /** The name that the client asked for. */
  readonly model: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** A turn that shows how a persona talks. */
export interface ExampleTurn {
  readonly role: "user" | "assistant";
  readonly content: string;
}

/** What a persona gives to one request. */
export interface FilledPersona {
  readonly instructions: string;
  readonly examples: readonly ExampleTurn[];
}

const keyFields = ["id", "name", "owner", "team", "organisation", "tenant"];
const known = [
  "header.NAME",
  "metadata.NAME",
  "user",
  "key.metadata.NAME",
  ...keyFields.map((field) => `key.${field}`),
  "model",
  "date",
];

/** A persona made ready for use. */
export class Persona {
  readonly name: string;
  readonly position: PersonaSettings["position"];
  readonly parameters: PersonaSettings["parameters"];
  /** Which of the client's tools may be offered; undefined for all. */
  readonly allowsTool: ((name: string) => boolean) | undefined;
  readonly #settings: PersonaSettings;
  readonly #system: Template | undefined;
  readonly #examples: readonly (readonly [ExampleTurn["role"], Template])[];

  /** @throws {PersonaDefinitionError} for a template or a variable that names what is not there. */
  constructor(name: string, settings: PersonaSettings) {
    this.name = name;
    this.position = settings.position;
    this.parameters = settings.parameters;
    this.allowsTool = settings.tools === undefined ? undefined : textMatcher(settings.tools);
    this.#settings = settings;
    this.#system = settings.system === undefined ? undefined : read(settings.system, ["system"]);
    this.#examples = settings.examples.flatMap(({ user, assistant }, index) => [
      ["user", read(user, ["examples", index, "user"])] as const,
      ["assistant", read(assistant, ["examples", index, "assistant"])] as const,
    ]);
    settings.required.forEach((path, index) => checkVariable(path, ["required", index]));
    for (const path of Object.keys(settings.variables)) checkVariable(path, ["variables", path]);
  }

  /** @throws {ApiError} 400 for a variable that is required and not there, or longer than is allowed. */
  fill(facts: PersonaFacts): FilledPersona {
    for (const path of this.#settings.required) {
      if (textOf(this.#value(path, facts)) === "") throw refused(path, `needs ${spoken(path)}`);
    }
    const valueOf = (path: string) => this.#value(path, facts);
    return {
      instructions: this.#system?.render(valueOf) ?? "",
      examples: this.#examples.map(([role, template]) => ({ role, content: template.render(valueOf) })),
    };
  }

  #value(path: string, facts: PersonaFacts): unknown {
    const given = this.#given(path, facts);
    return given === undefined || given === null || given === "" ? this.#settings.variables[path] : given;
  }

  #given(path: string, facts: PersonaFacts): unknown {
    const [root = "", name = ""] = path.split(".");
    switch (root) {
      case "header":
        return this.#fromClient(path, facts.header(name.toLowerCase()));
      case "metadata":
        return this.#fromClient(path, lookUp(facts.metadata, path.slice("metadata.".length)));
      case "user":
        return this.#fromClient(path, facts.user);
      case "date":
        return new Date(facts.now).toISOString().slice(0, 10);
      default:
        return lookUp({ key: facts.key, model: facts.model }, path);
    }
  }

  /** What a client sends is one line of bounded length: it must not pass for instructions of their own. */
  #fromClient(path: string, value: unknown): string {
    const text = textOf(value).replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, " ").trim();
    const most = this.#settings.max_variable_length;
    if (text.length > most) {
      throw refused(path, `takes at most ${most} characters of ${spoken(path)}, not ${text.length}`);
    }
    return text;
  }
}

function read(source: string, path: readonly (string | number)[]): Template {
  let template: Template;
  try {
    template = compileTemplate(source);
  } catch (error) {
    throw new PersonaDefinitionError(path, (error as Error).message);
  }
  for (const variable of template.paths) checkVariable(variable, path);
  return template;
}

function checkVariable(variable: string, path: readonly (string | number)[]): void {
  const [root = "", name, more] = variable.split(".");
  if (root === "header" && name !== undefined && more === undefined) {
    if (!isCredentialHeader(name.toLowerCase())) return;
    throw new PersonaDefinitionError(path, `"${variable}" holds credentials, which no template may see`);
  }
  if (root === "metadata" && name !== undefined) return;
  if (root === "key" && name === "metadata" && more !== undefined) return;
  if (known.includes(variable)) return;
  const hint = didYouMeanSentence(variable, known) || ` There are ${known.join(", ")}.`;
  throw new PersonaDefinitionError(path, `there is no variable "${variable}".${hint}`);
}

function refused(path: string, why: string): ApiError {
  return new ApiError({
    status: 400,
    code: "invalid_persona_variable",
    param: path,
    message: `The persona of this request ${why}.`,
  });
}

/** A variable as a client knows it. */
function spoken(path: string): string {
  const [root, ...rest] = path.split(".");
  return root === "header" ? `the header ${rest.join(".")}` : `\`${path}\``;
}
