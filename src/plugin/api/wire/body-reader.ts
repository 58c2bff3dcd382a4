/** Reads a response's body piece by piece. */
export interface BodyReader {
  read(): Promise<{ readonly done: boolean; readonly value?: Uint8Array | undefined }>;
  /** Lets go of the connection. */
  cancel(): void;
}

export function openBody(body: ReadableStream<Uint8Array>): BodyReader {
  const reader = body.getReader();
  return { read: () => reader.read(), cancel: () => void reader.cancel().catch(() => {}) };
}
