import { expect, test } from "bun:test";
import { EventStreamCodec } from "@smithy/eventstream-codec";
import { fromUtf8, toUtf8 } from "@smithy/util-utf8";
import fc from "fast-check";
import { EventMessageReader } from "./decode-message.ts";

const codec = new EventStreamCodec(toUtf8, fromUtf8);
const text = (value: string) => ({ type: "string" as const, value });

test("what the library writes is read the same, whatever the texts", () => {
  const headers = fc.dictionary(fc.string({ minLength: 1, maxLength: 40 }), fc.string({ maxLength: 200 }), {
    maxKeys: 6,
  });
  fc.assert(fc.property(headers, fc.uint8Array({ maxLength: 500 }), (given, body) => {
    const encoded = codec.encode({
      headers: Object.fromEntries(Object.entries(given).map(([name, value]) => [name, text(value)])),
      body,
    });
    // In the middle of a larger buffer, as it comes from the network.
    const around = new Uint8Array(encoded.length + 20);
    around.set(encoded, 7);
    const reader = new EventMessageReader();
    reader.read(encoded);
    const read = reader.read(around.subarray(7, 7 + encoded.length));
    expect(Object.fromEntries(read.headers)).toEqual(
      Object.fromEntries(
        Object.entries(given).map(([name, value]) => [name.toWellFormed(), value.toWellFormed()]),
      ),
    );
    expect([...read.body]).toEqual([...body]);
  }));
});

test("headers that are not text are left to the library", () => {
  const encoded = codec.encode({
    headers: { a: text("b"), n: { type: "integer", value: 7 } },
    body: fromUtf8("{}"),
  });
  expect(Object.fromEntries(new EventMessageReader().read(encoded).headers)).toEqual({ a: "b", n: "7" });
});

test("no changed byte is overlooked", () => {
  const encoded = codec.encode({ headers: { ":event-type": text("x") }, body: fromUtf8('{"a":1}') });
  for (let index = 0; index < encoded.length; index++) {
    const damaged = encoded.slice();
    damaged[index]! ^= 1;
    const reader = new EventMessageReader();
    reader.read(encoded);
    expect(() => reader.read(damaged)).toThrow();
  }
});

test("headers of the same length that differ are read anew", () => {
  const reader = new EventMessageReader();
  for (const type of ["aaaa", "bbbb", "aaaa"]) {
    const encoded = codec.encode({ headers: { ":event-type": text(type) }, body: fromUtf8("{}") });
    expect(reader.read(encoded).headers.get(":event-type")).toBe(type);
  }
});
