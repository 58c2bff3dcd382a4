import { expect, test } from "bun:test";
import { parseJson } from "./lossless-json.ts";

test("what is parsed and written again has the same numbers", () => {
  for (
    const text of [
      '{"id":12345678901234567890,"list":[-98765432109876543210,1.2345678901234567890123],"big":1e400}',
      '{"id":9007199254740993}',
      '{"a":1,"text":"12345678901234567890"}',
      "12345678901234567890",
    ]
  ) expect(JSON.stringify(parseJson(text))).toBe(text);
});

test("numbers that a double holds stay numbers", () => {
  expect(parseJson('{"a":1234567890123456,"b":0.5,"c":"1234567890123456789"}')).toEqual({
    a: 1234567890123456,
    b: 0.5,
    c: "1234567890123456789",
  });
  expect(() => parseJson('{"a":1234567890123456789')).toThrow(SyntaxError);
});
