import { describe, expect, test } from "bun:test";
import { NdjsonReader } from "./ndjson-reader.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

describe("NdjsonReader", () => {
  test("gives the same wherever the bytes are cut", () => {
    const text = '{"a":"ø"}\r\n\n{"a":"🌧"}\n[1]\n{"last":true}';
    const all = bytes(text);
    for (let first = 0; first <= all.length; first++) {
      for (let second = first; second <= all.length; second++) {
        const reader = new NdjsonReader();
        const values = [all.subarray(0, first), all.subarray(first, second), all.subarray(second)]
          .flatMap((piece) => reader.feed(piece));
        expect([...values, ...reader.end()]).toEqual([{ a: "ø" }, { a: "🌧" }, [1], { last: true }]);
        expect(reader.failure).toBeUndefined();
      }
    }
  });

  test("a line that is no JSON is garbage, what came before it is not", () => {
    const reader = new NdjsonReader();
    expect(reader.feed(bytes('{"a":1}\n{oops\n{"b":2}\n'))).toEqual([{ a: 1 }]);
    expect(reader.failure).toMatchObject({ kind: "bad_response" });
  });

  test("half a line at the end is a broken connection", () => {
    const reader = new NdjsonReader();
    expect(reader.feed(bytes('{"a":1}\n{"b"'))).toEqual([{ a: 1 }]);
    expect(reader.end()).toEqual([]);
    expect(reader.failure).toMatchObject({ kind: "unavailable" });
  });

  test("a line without end is not waited for", () => {
    const reader = new NdjsonReader();
    const piece = bytes("x".repeat(1024 * 1024));
    for (let count = 0; count < 33; count++) reader.feed(piece);
    expect(reader.failure).toMatchObject({ kind: "bad_response" });
  });
});
