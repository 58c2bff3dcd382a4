import { EventStreamCodec } from "@smithy/eventstream-codec";
import { fromUtf8, toUtf8 } from "@smithy/util-utf8";
import { expect, test } from "bun:test";
import { converseEvents, MessageReader } from "./event-stream.ts";

const codec = new EventStreamCodec(toUtf8, fromUtf8);

function message(headers: Record<string, string>, body: string): Uint8Array {
  const typed = Object.entries(headers).map(([name, value]) => [name, { type: "string" as const, value }]);
  return codec.encode({ headers: Object.fromEntries(typed), body: fromUtf8(body) });
}

const event = (type: string, payload: object) =>
  message({ ":message-type": "event", ":event-type": type }, JSON.stringify(payload));

test("several messages in one read are several events, byte by byte as well", () => {
  const bytes = Buffer.concat([event("a", { x: 1 }), event("b", { y: "ü" })]);
  const expected = [{ type: "a", payload: { x: 1 } }, { type: "b", payload: { y: "ü" } }];
  expect(new MessageReader().feed(bytes)).toEqual(expected);
  const reader = new MessageReader();
  expect([...bytes].flatMap((byte) => reader.feed(Uint8Array.of(byte)))).toEqual(expected);
});

test("messages of other kinds say nothing, and an error says what it is", () => {
  const reader = new MessageReader();
  expect(reader.feed(message({ ":message-type": "news" }, ""))).toEqual([]);
  reader.feed(
    message(
      { ":message-type": "error", ":error-code": "internalServerException", ":error-message": "no" },
      "",
    ),
  );
  expect(reader.failure).toMatchObject({ kind: "unavailable", message: "no" });
});

test("a length that cannot be ends the stream instead of being waited for", () => {
  for (const start of [[0xff, 0xff, 0xff, 0xff], [0, 0, 0, 3]]) {
    const reader = new MessageReader();
    reader.feed(Uint8Array.from([...start, ...new Array(20).fill(0)]));
    expect(reader.failure?.kind).toBe("bad_response");
  }
});

test("what came before a failure is given before it is told, once", async () => {
  const exception = message({ ":message-type": "exception", ":exception-type": "throttlingException" }, "{}");
  const body = new Response(Buffer.concat([event("a", {}), exception])).body!;
  const iterator = converseEvents(body, new AbortController().signal)[Symbol.asyncIterator]();
  expect((await iterator.next()).value).toHaveLength(1);
  expect(await iterator.next().catch((error) => error.kind)).toBe("rate_limited");
  expect((await iterator.next()).done).toBe(true);
});

test("a connection that ends inside of a message is broken", async () => {
  const body = new Response(event("a", {}).slice(0, -1)).body!;
  const iterator = converseEvents(body, new AbortController().signal)[Symbol.asyncIterator]();
  expect(await iterator.next().catch((error) => error.kind)).toBe("unavailable");
});
