import { expect, test } from "bun:test";
import { UpstreamError } from "../upstream-error.ts";
import { eventFrames, EventReader } from "./event-frames.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const signal = new AbortController().signal;

/** A body that gives one piece for each read, and tells how it was let go. */
function body(pieces: readonly (string | Error)[], open = false) {
  const state = { cancelled: false, read: 0 };
  const stream = new ReadableStream<Uint8Array>({
    pull(controller) {
      const piece = pieces[state.read++];
      if (piece instanceof Error) controller.error(piece);
      else if (piece !== undefined) controller.enqueue(bytes(piece));
      else if (!open) controller.close();
    },
    cancel() {
      state.cancelled = true;
    },
  }, { highWaterMark: 0 });
  return { stream, state };
}

async function collect(stream: ReadableStream<Uint8Array>) {
  const batches: unknown[][] = [];
  let failure: unknown;
  try {
    for await (const batch of eventFrames(stream, signal)) batches.push(batch.map(({ chunk }) => chunk));
  } catch (error) {
    failure = error;
  }
  return { batches, failure };
}

test("one read gives one batch", async () => {
  const { stream } = body(['data: {"a":1}\n\ndata: {"a":2}\n\n', 'data: {"a":3}\n\ndata: [DONE]\n\n']);
  expect((await collect(stream)).batches).toEqual([[{ a: 1 }, { a: 2 }], [{ a: 3 }]]);
});

test("not much more is read than what was asked for", async () => {
  const event = `data: {"a":"${"x".repeat(4_000)}"}\n\n`;
  const { stream, state } = body(Array.from({ length: 100 }, () => event));
  const iterator = eventFrames(stream, signal)[Symbol.asyncIterator]();
  await iterator.next();
  expect(state.read).toBeLessThan(10);
  await iterator.return!();
});

test("leaving in the middle lets go of the connection", async () => {
  const { stream, state } = body(['data: {"a":1}\n\n'], true);
  for await (const _batch of eventFrames(stream, signal)) break;
  expect(state.cancelled).toBe(true);
});

test("leaving before the first read lets go of the connection, too", async () => {
  const { stream, state } = body(['data: {"a":1}\n\n'], true);
  const iterator = eventFrames(stream, signal)[Symbol.asyncIterator]();
  expect(await iterator.return!()).toEqual({ done: true, value: undefined });
  expect(state.cancelled).toBe(true);
  expect((await iterator.next()).done).toBe(true);
});

test("what came before a failure is given before the failure", async () => {
  const { stream, state } = body(['data: {"a":1}\n\ndata: {oops\n\n'], true);
  const { batches, failure } = await collect(stream);
  expect(batches).toEqual([[{ a: 1 }]]);
  expect((failure as UpstreamError).kind).toBe("bad_response");
  expect(state.cancelled).toBe(true);
});

test("a connection that breaks is unavailable", async () => {
  const { batches, failure } = await collect(body(['data: {"a":1}\n\n', new Error("reset")]).stream);
  expect(batches).toEqual([[{ a: 1 }]]);
  expect((failure as UpstreamError).kind).toBe("unavailable");
});

test("an abort comes out as its own reason", async () => {
  const controller = new AbortController();
  const reason = new Error("gone");
  const iterator = eventFrames(body(['data: {"a":1}\n\n', new Error("aborted")]).stream, controller.signal)
    [Symbol.asyncIterator]();
  await iterator.next();
  controller.abort(reason);
  expect(await iterator.next().then(() => undefined, (error: unknown) => error)).toBe(reason);
});

test("an error of the backend is masked", async () => {
  const masked = new Error("masked");
  const { stream } = body(['data: {"error":{"message":"key"}}\n\n']);
  const iterator = eventFrames(stream, signal, () => masked)[Symbol.asyncIterator]();
  expect(await iterator.next().then(() => undefined, (error: unknown) => error)).toBe(masked);
});

test("an empty error is none", () => {
  const reader = new EventReader();
  expect(reader.feed(bytes('data: {"error":"","choices":[]}\n\n'))).toHaveLength(1);
  expect(reader.failure).toBeUndefined();
});

test("a long event in small pieces is looked through once", () => {
  // Looking through all of it for each piece would take minutes, and the test would run into its limit.
  const reader = new EventReader<{ a: string }>();
  const piece = bytes("x".repeat(1_000));
  reader.feed(bytes('data: {"a":"'));
  for (let count = 0; count < 30_000; count++) reader.feed(piece);
  const [frame] = reader.feed(bytes('"}\n\n'));
  expect(frame!.chunk.a).toHaveLength(30_000_000);
}, 20_000);

test("an end in the middle of an event is a broken connection, not garbage", async () => {
  for (const half of ['data: {"a":', 'data: {"a":\n', "data: {", '\r\ndata: {"a"']) {
    const { failure } = await collect(body(['data: {"a":1}\n\n', half]).stream);
    expect((failure as UpstreamError).kind).toBe("unavailable");
  }
});

test("events with names are read whichever way they are cut, and however unusual the next is", () => {
  const text = 'event: message_start\ndata: {"type":"a"}\n\nevent: ping\ndata: {"type":"ping"}\n\n' +
    'event: delta\ndata: {"type":"b","text":"ünï"}\n\nevent: odd\nid: 7\ndata: {"type":"c"}\n\ndata: {"type":"d"}\n\n';
  const whole = bytes(text);
  for (let cut = 0; cut <= whole.length; cut++) {
    const reader = new EventReader<{ type: string }>();
    const frames = [...reader.feed(whole.slice(0, cut)), ...reader.feed(whole.slice(cut)), ...reader.end()];
    expect([cut, frames.map(({ chunk }) => chunk.type)]).toEqual([cut, ["a", "b", "c", "d"]]);
    expect(reader.failure).toBeUndefined();
  }
});

test("an event of the name error is one, also between others", async () => {
  const { batches, failure } = await collect(
    body([
      'event: a\ndata: {"type":"a"}\n\nevent: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"busy"}}\n\n',
    ]).stream,
  );
  expect(batches).toEqual([[{ type: "a" }]]);
  expect(failure).toMatchObject({ kind: "overloaded", message: "busy" });
});
