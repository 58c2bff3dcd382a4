import { expect, test } from "bun:test";
import type { StreamFrame } from "../plugin/api/provider.ts";
import { BegunStream } from "./begun-stream.ts";
import type { StreamNormaliser } from "./operation.ts";

/** Frames that tell whether they were let go of. */
function source(batches: readonly (string | Error)[][]) {
  const state = { returned: 0 };
  let position = 0;
  const frames: AsyncIterable<readonly StreamFrame<string>[]> = {
    [Symbol.asyncIterator]: () => ({
      next() {
        const batch = batches[position++];
        if (batch === undefined) return Promise.resolve({ done: true, value: undefined });
        const failure = batch.find((piece) => piece instanceof Error);
        if (failure !== undefined) return Promise.reject(failure);
        return Promise.resolve({ done: false, value: batch.map((chunk) => ({ chunk: chunk as string })) });
      },
      return() {
        state.returned++;
        return Promise.resolve({ done: true, value: undefined });
      },
    }),
  };
  return { frames, state };
}

/** Hands pieces on; what starts with "-" is no output yet. */
function normaliser(): StreamNormaliser<string> & { hasOutput: boolean } {
  return {
    hasOutput: false,
    usage: undefined,
    outputCharacters: 0,
    push(frame, out) {
      this.hasOutput ||= !frame.chunk.startsWith("-");
      if (frame.chunk === "bad") throw new Error("bad");
      out.push(frame.chunk);
    },
    finish: (out) => void out.push("end"),
    heartbeat: () => undefined,
    fail: () => [],
  };
}

test("what comes before the first output is held back and goes out with it", async () => {
  const { frames, state } = source([["-a"], [], ["-b", "c"], ["d"]]);
  const stream = await BegunStream.begin(frames, normaliser());
  expect(await stream.next()).toEqual(["-a", "-b", "c"]);
  expect(await stream.next()).toEqual(["d"]);
  expect(await stream.next()).toEqual(["end"]);
  expect(await stream.next()).toBeUndefined();
  expect(state.returned).toBe(0);
});

test("a failure before the first output lets go of the backend", async () => {
  for (const batches of [[["-a"], [new Error("cut")]], [["bad"]]]) {
    const { frames, state } = source(batches);
    expect(await BegunStream.begin(frames, normaliser()).then(() => "begun", () => "failed")).toBe("failed");
    expect(state.returned).toBe(1);
  }
});

test("closing lets go of the backend, and nothing more comes", async () => {
  const { frames, state } = source([["a"], ["b"]]);
  const stream = await BegunStream.begin(frames, normaliser());
  await stream.next();
  await stream.close();
  expect(state.returned).toBe(1);
  expect(await stream.next()).toBeUndefined();
});

test("a failure in the middle of a read comes after what came before it", async () => {
  const { frames } = source([["a"], ["b", "bad", "c"], ["d"]]);
  const stream = await BegunStream.begin(frames, normaliser());
  expect(await stream.next()).toEqual(["a"]);
  expect(await stream.next()).toEqual(["b"]);
  expect(await stream.next().then(() => "more", () => "failed")).toBe("failed");
});
