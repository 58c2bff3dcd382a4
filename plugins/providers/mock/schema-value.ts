type Schema = Readonly<Record<string, unknown>>;

/** Schemas that name themselves again and again would grow without end. */
const mostParts = 1_000;

/** A value that fits a JSON schema, for the parts of the language that structured output allows. */
export function valueFor(schema: unknown, text: string): unknown {
  return partFor(schema, text, { root: schema, partsLeft: mostParts }, 0);
}

interface Making {
  readonly root: unknown;
  partsLeft: number;
}

function partFor(schema: unknown, text: string, making: Making, depth: number): unknown {
  if (typeof schema !== "object" || schema === null || depth > 20 || making.partsLeft-- <= 0) return text;
  const { type, enum: choices, const: fixed, properties, items, anyOf, oneOf, $ref } = schema as Schema;
  if (typeof $ref === "string") return partFor(follow($ref, making.root), text, making, depth + 1);
  if (fixed !== undefined) return fixed;
  if (Array.isArray(choices)) return choices[0] ?? null;
  const branches = anyOf ?? oneOf;
  if (Array.isArray(branches)) return partFor(branches[0], text, making, depth + 1);
  switch (Array.isArray(type) ? type[0] : type) {
    case "object":
    case undefined:
      return objectFor((properties ?? {}) as Schema, making, depth);
    case "array":
      return [partFor(items, text, making, depth + 1)];
    case "integer":
    case "number":
      return typeof (schema as Schema).minimum === "number" ? (schema as Schema).minimum : 1;
    case "boolean":
      return true;
    case "null":
      return null;
    default:
      return text;
  }
}

function objectFor(properties: Schema, making: Making, depth: number): unknown {
  const entries: [string, unknown][] = [];
  for (const name in properties) {
    if (making.partsLeft <= 0) break;
    entries.push([name, partFor(properties[name], `mock ${name}`, making, depth + 1)]);
  }
  return Object.fromEntries(entries);
}

function follow(reference: string, root: unknown): unknown {
  if (!reference.startsWith("#")) return {};
  return reference.slice(1).split("/").filter((part) => part !== "")
    .reduce<unknown>(
      (value, part) => (value as Schema | undefined)?.[part.replace(/~1/g, "/").replace(/~0/g, "~")],
      root,
    );
}
