type Schema = Readonly<Record<string, unknown>>;

/** A value that fits a JSON schema, for the parts of the language that structured output allows. */
export function valueFor(schema: unknown, text: string, root: unknown = schema, depth = 0): unknown {
  if (typeof schema !== "object" || schema === null || depth > 20) return text;
  const { type, enum: choices, const: fixed, properties, items, anyOf, oneOf, $ref } = schema as Schema;
  if (typeof $ref === "string") return valueFor(follow($ref, root), text, root, depth + 1);
  if (fixed !== undefined) return fixed;
  if (Array.isArray(choices)) return choices[0];
  const branches = anyOf ?? oneOf;
  if (Array.isArray(branches)) return valueFor(branches[0], text, root, depth + 1);
  switch (Array.isArray(type) ? type[0] : type) {
    case "object":
    case undefined:
      return Object.fromEntries(
        Object.entries((properties ?? {}) as Schema).map((
          [name, inner],
        ) => [name, valueFor(inner, `mock ${name}`, root, depth + 1)]),
      );
    case "array":
      return [valueFor(items, text, root, depth + 1)];
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

function follow(reference: string, root: unknown): unknown {
  if (!reference.startsWith("#")) return {};
  return reference.slice(1).split("/").filter((part) => part !== "")
    .reduce<unknown>(
      (value, part) => (value as Schema | undefined)?.[part.replace(/~1/g, "/").replace(/~0/g, "~")],
      root,
    );
}
