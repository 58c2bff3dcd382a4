import { expect, test } from "bun:test";
import { valueFor } from "./schema-value.ts";

test("schemas that are odd still give a value of JSON", () => {
  for (
    const schema of [
      { enum: [] },
      { anyOf: [] },
      { type: [] },
      { $ref: "#/$defs/a", $defs: { a: { $ref: "#/$defs/a" } } },
      { $ref: "#/nowhere/at/all" },
      { $ref: "#/__proto__" },
      { type: "object", properties: null },
      { type: "object", properties: [] },
      null,
      7,
    ]
  ) expect(JSON.stringify(valueFor(schema, "text"))).toBeString();
});

test("a schema that names itself many times over ends", () => {
  const properties: Record<string, unknown> = {};
  for (let index = 0; index < 20; index++) properties[`p${index}`] = { $ref: "#" };
  expect(JSON.stringify(valueFor({ type: "object", properties }, "text")).length).toBeLessThan(1_000_000);
});
