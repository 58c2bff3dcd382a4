import { describe, expect, test } from "bun:test";
import { UpstreamError } from "intellirouter/plugin";
import { bodyFrames, type FrameReader } from "./body-frames.ts";

/** Every byte is an event; 0 is a failure. */
class ByteReader implements FrameReader<number> {
  failure: UpstreamError | undefined;

  feed(bytes: Uint8Array): readonly number[] {
    const end = bytes.indexOf(0);
    if (end >= 0) this.failure = new UpstreamError({ kind: "bad_response", message: "zero" });
    return [...(end >= 0 ? bytes.subarray(0, end) : bytes)];
  }

  end(): readonly number[] {
    return [99];
  }
}

function body(pieces: readonly (number[] | Error)[], onCancel = () => {}): ReadableStream<Uint8Array> {
  const rest = [...pieces];
  return new ReadableStream({
    pull(controller) {
      const next = rest.shift();
      if (next === undefined) controller.close();
      else if (next instanceof Error) controller.error(next);
      else controller.enqueue(Uint8Array.from(next));
    },
    cancel: onCancel,
  });
}

const signal = new AbortController().signal;

async function read(frames: AsyncIterable<readonly { chunk: number }[]>) {
  const chunks: number[] = [];
  try {
    for await (const batch of frames) chunks.push(...batch.map(({ chunk }) => chunk));
    return { chunks };
  } catch (failure) {
    return { chunks, failure };
  }
}

describe("bodyFrames", () => {
  test("gives all events, those that the end completes included", async () => {
    expect(await read(bodyFrames(body([[1, 2], [3]]), signal, new ByteReader()))).toEqual({
      chunks: [1, 2, 3, 99],
    });
  });

  test("tells a failure after what came before it, once", async () => {
    const iterator = bodyFrames(body([[1, 0, 2]]), signal, new ByteReader())[Symbol.asyncIterator]();
    expect((await iterator.next()).value).toEqual([{ chunk: 1 }]);
    await expect(iterator.next()).rejects.toThrow("zero");
    expect((await iterator.next()).done).toBe(true);
  });

  test("a connection that breaks is unavailable, one that was given up has the signal's reason", async () => {
    const broken = await read(bodyFrames(body([[1], new Error("reset")]), signal, new ByteReader()));
    expect(broken).toMatchObject({ chunks: [1], failure: { kind: "unavailable" } });
    const reason = new Error("gone");
    const aborted = bodyFrames(body([new Error("aborted")]), AbortSignal.abort(reason), new ByteReader());
    expect((await read(aborted)).failure).toBe(reason);
  });

  test("leaving lets go of the connection, also before anything was read", async () => {
    const cancelled = Promise.withResolvers<void>();
    const frames = bodyFrames(body([[1], [2]], cancelled.resolve), signal, new ByteReader());
    const iterator = frames[Symbol.asyncIterator]();
    await iterator.return!();
    await cancelled.promise;
    expect((await iterator.next()).done).toBe(true);
  });
});
