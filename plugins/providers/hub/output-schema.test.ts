import { expect, test } from "bun:test";
import { toOutputSchema } from "./output-schema.ts";

test("a closed schema of known words stays as it is", () => {
  const schema = {
    type: "object",
    properties: {
      a: { type: "string", format: "date" },
      b: { type: "array", items: { enum: [1, null] }, minItems: 1 },
    },
    required: ["a"],
    additionalProperties: false,
    $defs: { c: { const: 3 } },
  };
  expect(toOutputSchema(schema)).toEqual({ schema, described: [], isOpen: false });
});

test("objects are closed wherever they are, and limits become words", () => {
  const { schema, described, isOpen } = toOutputSchema({
    type: "object",
    properties: {
      age: { type: "integer", minimum: 0, description: "In years." },
      one: { oneOf: [{ type: "string", pattern: "^a" }, { type: ["object", "null"], properties: {} }] },
      list: { type: "array", minItems: 2, items: { properties: { x: { format: "byte" } } } },
      not: { type: "string" },
    },
  });
  expect(schema).toEqual({
    type: "object",
    additionalProperties: false,
    properties: {
      age: { type: "integer", description: "In years. (minimum: 0)" },
      one: {
        anyOf: [
          { type: "string", description: '(pattern: "^a")' },
          { type: ["object", "null"], properties: {}, additionalProperties: false },
        ],
      },
      list: {
        type: "array",
        description: "(minItems: 2)",
        items: { properties: { x: { description: '(format: "byte")' } }, additionalProperties: false },
      },
      // A property of that name is no keyword.
      not: { type: "string" },
    },
  });
  expect(described).toEqual(["minimum", "pattern", "minItems", "format"]);
  expect(isOpen).toBe(false);
});

test("what a grammar cannot say is found: any keys, and schemas within themselves", () => {
  const node = { type: "object", properties: { next: { $ref: "#/$defs/node" } } };
  for (
    const schema of [
      { type: "object" },
      { type: "object", properties: { m: { type: "object", additionalProperties: { type: "string" } } } },
      { type: "object", properties: {}, additionalProperties: true },
      { $defs: { node }, $ref: "#/$defs/node" },
      { type: "object", properties: { child: { $ref: "#" } } },
    ]
  ) expect([schema, toOutputSchema(schema).isOpen]).toEqual([schema, true]);
  const twice = {
    $defs: { leaf: { type: "string" } },
    anyOf: [{ $ref: "#/$defs/leaf" }, { $ref: "#/$defs/leaf" }],
  };
  expect(toOutputSchema(twice).isOpen).toBe(false);
});

test("the given schema is not changed", () => {
  const schema = { type: "object", properties: { a: { type: "number", maximum: 3 } } };
  const before = structuredClone(schema);
  toOutputSchema(schema);
  expect(schema).toEqual(before);
});
