import { describe, expect, test } from "bun:test";
import { toApiSchema } from "./encode-schema.ts";

describe("toApiSchema", () => {
  test("leaves what the API understands as it is", () => {
    const schema = {
      type: "object",
      properties: {
        kind: { type: "string", enum: ["a", "b"] },
        list: { type: "array", items: { type: "number" } },
      },
      required: ["kind"],
      additionalProperties: false,
    };
    expect(toApiSchema(schema)).toEqual(schema);
  });

  test("says const as an enum of one, and forgets which draft it is", () => {
    expect(toApiSchema({ $schema: "x", type: "object", properties: { a: { const: 1 } } })).toEqual({
      type: "object",
      properties: { a: { enum: [1] } },
    });
  });

  test("puts nothing beside a reference", () => {
    const schema = {
      type: "object",
      properties: { a: { $ref: "#/definitions/a", description: "the first" } },
      definitions: { a: { type: "string", const: "x" } },
    };
    expect(toApiSchema(schema)).toEqual({
      type: "object",
      properties: { a: { $ref: "#/$defs/a" } },
      $defs: { a: { type: "string", enum: ["x"] } },
    });
  });

  test("keeps the definitions of a schema that is itself a reference", () => {
    expect(toApiSchema({ $ref: "#/definitions/a", definitions: { a: { $schema: "x", type: "string" } } }))
      .toEqual({
        $ref: "#/$defs/a",
        $defs: { a: { type: "string" } },
      });
  });

  test("merges an allOf of one, also where that is a reference", () => {
    expect(toApiSchema({ allOf: [{ type: "string" }], description: "d" })).toEqual({
      type: "string",
      description: "d",
    });
    expect(toApiSchema({ allOf: [{ $ref: "#/$defs/a" }], title: "t" })).toEqual({ $ref: "#/$defs/a" });
    expect(toApiSchema({ allOf: [{ type: "string" }, { minLength: 1 }] })).toEqual({
      allOf: [{ type: "string" }, { minLength: 1 }],
    });
  });

  test("a property may be called like a keyword", () => {
    const schema = { type: "object", properties: { $schema: { type: "string" }, const: { type: "number" } } };
    expect(toApiSchema(schema)).toEqual(schema);
  });
});
