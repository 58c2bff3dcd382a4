import { Readable } from "node:stream";

/** Reads a response's body piece by piece. */
export interface BodyReader {
  read(): Promise<{ readonly done: boolean; readonly value: Uint8Array }>;
  /** Lets go of the connection. */
  cancel(): void;
}

/**
 * Bytes that are asked for at a time. A web reader on Bun 1.4.5 sets aside 256 KiB for every stream that waits, which makes the
 * garbage collector believe in a heap that is not there, and wait; with 1,500 streams that was a gigabyte.
 */
const readSize = 16 * 1024;

export function openBody(body: ReadableStream<Uint8Array>): BodyReader {
  // `never`: the two declarations of the one class know nothing of each other.
  const readable = Readable.fromWeb(body as never, { highWaterMark: readSize });
  // What breaks while nobody reads is told to the next read; without a listener it would end the process.
  readable.on("error", () => {});
  const pieces = readable[Symbol.asyncIterator]();
  const read = async () => {
    const { done = false, value } = await pieces.next();
    return { done, value };
  };
  return { read, cancel: () => void readable.destroy() };
}
