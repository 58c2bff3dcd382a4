import { asObject, asText, isObject, type Loose } from "./loose.ts";

/** A schema for backends that hold the answer to it with a grammar, and what became of the original. */
export interface OutputSchema {
  readonly schema: Loose;
  /** Keywords that the grammar does not know; they are told in words. */
  readonly described: readonly string[];
  /** It describes objects with any keys, or contains itself: the grammar cannot say that. */
  readonly isOpen: boolean;
}

/** Formats of strings that Claude's structured outputs know. */
const formats = new Set([
  "date-time",
  "time",
  "date",
  "duration",
  "email",
  "hostname",
  "uri",
  "ipv4",
  "ipv6",
  "uuid",
]);

/** Keywords that Claude's structured outputs refuse. */
const refused = [
  "minimum",
  "maximum",
  "exclusiveMinimum",
  "exclusiveMaximum",
  "multipleOf",
  "minLength",
  "maxLength",
  "pattern",
  "minItems",
  "maxItems",
  "uniqueItems",
  "minProperties",
  "maxProperties",
  "contains",
  "not",
  "if",
  "then",
  "else",
  "dependentSchemas",
  "dependentRequired",
  "patternProperties",
  "propertyNames",
];

const single = ["items"];
const lists = ["anyOf", "allOf", "prefixItems"];
const maps = ["properties", "$defs", "definitions"];

/** A schema with what the client says of the answer beside it, for APIs that have no other place for that. */
export function withDescription(schema: Loose, description: unknown): Loose {
  const said = [asText(description), asText(schema.description)].filter((text) => text !== "");
  return said.length === 0 ? schema : { ...schema, description: said.join("\n") };
}

/**
 * The schema as Claude's structured outputs take it: objects are closed, and limits that the grammar does not know become
 * a part of the description.
 */
export function toOutputSchema(schema: Loose): OutputSchema {
  const described = new Set<string>();
  let isOpen = containsItself(schema);

  const convert = (node: unknown): unknown => {
    if (!isObject(node)) return node;
    const { oneOf, ...rest } = node;
    const made: Record<string, unknown> = { ...rest };
    if (Array.isArray(oneOf)) made.anyOf = [...Array.isArray(rest.anyOf) ? rest.anyOf : [], ...oneOf];
    const words: string[] = [];
    const describe = (keyword: string) => {
      described.add(keyword);
      words.push(`${keyword}: ${JSON.stringify(made[keyword])}`);
      delete made[keyword];
    };
    for (const keyword of refused) {
      const isKept = keyword === "minItems" && (made[keyword] === 0 || made[keyword] === 1);
      if (made[keyword] !== undefined && !isKept) describe(keyword);
    }
    if (typeof made.format === "string" && !formats.has(made.format)) describe("format");
    if (words.length > 0) {
      made.description = [made.description, `(${words.join(", ")})`].filter(Boolean).join(" ");
    }
    if (isObjectSchema(made)) {
      const { additionalProperties: others } = made;
      const allows = others === true || isObject(others) || (others === undefined && !made.properties);
      if (allows) isOpen = true;
      made.additionalProperties = false;
    }
    for (const keyword of single) if (made[keyword] !== undefined) made[keyword] = convert(made[keyword]);
    for (const keyword of lists) {
      const list = made[keyword];
      if (Array.isArray(list)) made[keyword] = list.map(convert);
    }
    for (const keyword of maps) {
      if (!isObject(made[keyword])) continue;
      const entries = Object.entries(made[keyword]).map(([name, each]) => [name, convert(each)]);
      made[keyword] = Object.fromEntries(entries);
    }
    return made;
  };

  const converted = convert(schema) as Loose;
  return { schema: converted, described: [...described], isOpen };
}

function isObjectSchema({ type, properties }: Loose): boolean {
  return type === "object" || (Array.isArray(type) && type.includes("object")) || isObject(properties);
}

/** Whether following references comes back to where it began. */
function containsItself(root: Loose): boolean {
  const visit = (node: unknown, path: readonly string[]): boolean => {
    if (Array.isArray(node)) return node.some((each) => visit(each, path));
    if (!isObject(node)) return false;
    return Object.entries(node).some(([keyword, value]) => {
      if (keyword === "$defs" || keyword === "definitions") return false;
      if (keyword !== "$ref" || typeof value !== "string") return visit(value, path);
      if (path.includes(value)) return true;
      return visit(resolve(root, value), [...path, value]);
    });
  };
  return visit(root, ["#"]);
}

function resolve(root: Loose, reference: string): unknown {
  if (!reference.startsWith("#/")) return reference === "#" ? root : undefined;
  const steps = reference.slice(2).split("/").map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
  return steps.reduce<unknown>((node, step) => asObject(node)[step], root);
}
