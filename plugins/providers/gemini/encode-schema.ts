import { isObject, type Loose } from "../hub/loose.ts";

/**
 * A JSON schema as `parametersJsonSchema` and `responseJsonSchema` take it. They read most of the language, and leave out what they
 * do not know; what they stumble over is put in other words: `const`, `definitions`, an `allOf` of one, and words beside a `$ref`.
 */
export function toApiSchema(schema: Loose): Loose {
  return convert(schema) as Loose;
}

const children = ["items", "additionalProperties", "not", "contains"];
const lists = ["anyOf", "oneOf", "allOf", "prefixItems"];
const maps = ["properties", "$defs", "patternProperties"];

function convert(node: unknown): unknown {
  if (!isObject(node)) return node;
  if (typeof node.$ref === "string") return convertReference(node, node.$ref);
  const { $schema: _schema, definitions, const: only, allOf, ...rest } = node;
  const made: Record<string, unknown> = { ...rest };
  if (isObject(definitions)) made.$defs = { ...definitions, ...(isObject(made.$defs) ? made.$defs : {}) };
  if (only !== undefined && made.enum === undefined) made.enum = [only];
  if (Array.isArray(allOf)) {
    if (allOf.length === 1 && isObject(allOf[0])) return convert({ ...allOf[0], ...made });
    made.allOf = allOf;
  }
  for (const keyword of children) if (isObject(made[keyword])) made[keyword] = convert(made[keyword]);
  for (const keyword of lists) {
    const list = made[keyword];
    if (Array.isArray(list)) made[keyword] = list.map(convert);
  }
  for (const keyword of maps) {
    const map = made[keyword];
    if (!isObject(map)) continue;
    made[keyword] = Object.fromEntries(Object.entries(map).map(([name, each]) => [name, convert(each)]));
  }
  return made;
}

/** "If $ref is set on a sub-schema, no other properties, except for those starting as a $, may be set" (GenerationConfig). */
function convertReference(node: Loose, reference: string): Loose {
  const kept = Object.entries(node).filter(([keyword]) => keyword === "$defs" || keyword === "$id");
  const $ref = reference.replace(/^#\/definitions\//, "#/$defs/");
  const definitions = isObject(node.definitions) ? { $defs: node.definitions } : {};
  const made = { ...Object.fromEntries(kept), ...definitions };
  const { $defs } = made as { $defs?: unknown };
  const converted = isObject($defs)
    ? { $defs: Object.fromEntries(Object.entries($defs).map(([name, each]) => [name, convert(each)])) }
    : {};
  return { ...made, ...converted, $ref };
}
