import type { StreamFrame } from "intellirouter/plugin";

/** Frames with what `change` makes of their chunks; one that it leaves as it is keeps the text that it came in. */
export function changeFrames<Chunk>(
  frames: AsyncIterable<readonly StreamFrame<Chunk>[]>,
  change: (chunk: Chunk) => Chunk,
): AsyncIterable<readonly StreamFrame<Chunk>[]> {
  return {
    [Symbol.asyncIterator]() {
      const iterator = frames[Symbol.asyncIterator]();
      return {
        async next() {
          const { done, value } = await iterator.next();
          if (done === true) return { done, value: undefined };
          return {
            done: false,
            value: value.map((frame) => {
              const chunk = change(frame.chunk);
              return chunk === frame.chunk ? frame : { chunk };
            }),
          };
        },
        async return() {
          await iterator.return?.();
          return { done: true, value: undefined };
        },
      };
    },
  };
}
