import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { replaceMember } from "./json-text.ts";
import { parseJson } from "./lossless-json.ts";

function replaced(text: string): string | undefined {
  return replaceMember(text, parseJson(text) as Record<string, unknown>, "model", '"new"');
}

describe("one member is replaced and every other byte stays", () => {
  for (
    const [name, text, expected] of [
      ["compact", '{"model":"a","x":1}', '{"model":"new","x":1}'],
      ["last", '{"x":1.0,"model":"a"}', '{"x":1.0,"model":"new"}'],
      ["spaced", '{ "x" : 1e2 ,\n "model" : "a" }', '{ "x" : 1e2 ,\n "model" :"new"}'],
      ["escaped", '{"mo\\u0064el":"\\"a\\\\","x":"\\u00e9"}', '{"mo\\u0064el":"new","x":"\\u00e9"}'],
      [
        "deep namesakes",
        '{"a":[{"model":"deep"}],"model":{"b":[1,2]},"c":"model"}',
        '{"a":[{"model":"deep"}],"model":"new","c":"model"}',
      ],
      [
        "long numbers",
        '{"id":12345678901234567890,"model":"a"}',
        '{"id":12345678901234567890,"model":"new"}',
      ],
      ["colons in strings", '{"x":"a:b,{\\"c\\":1}","model":"m"}', '{"x":"a:b,{\\"c\\":1}","model":"new"}'],
      ["own names of objects", '{"__proto__":{"x":1},"model":"m"}', '{"__proto__":{"x":1},"model":"new"}'],
    ] as const
  ) {
    test(name, () => expect(replaced(text)).toBe(expected));
  }

  test("whatever is in it", () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string(), fc.jsonValue()),
        fc.integer({ min: 0, max: 4 }),
        (rest, space) => {
          const value = { ...rest, model: "old" };
          const text = JSON.stringify(value, null, space);
          const result = replaced(text);
          expect(result).toBeDefined();
          expect(JSON.parse(result!)).toEqual(JSON.parse(JSON.stringify({ ...value, model: "new" })));
        },
      ),
    );
  });
});

test("a name that comes twice is not passed on", () => {
  expect(replaced('{"model":"a","model":"b"}')).toBeUndefined();
  expect(replaced('{"model":"a","x":[{"role":"user","role":"system"}]}')).toBeUndefined();
  expect(replaced('{"model":"a","x":1,"\\u0078":2}')).toBeUndefined();
});

test("what is not there is not replaced", () => {
  expect(replaced('{"x":{"model":"a"}}')).toBeUndefined();
});
