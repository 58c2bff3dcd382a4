/** What retrieval needs of whatever reads documents. */
import type { Chunk } from "./chunk-index.ts";

export interface DocumentSource {
  readonly bytes: Uint8Array;
  readonly filename: string;
  readonly contentType?: string;
}

export interface SplitOptions {
  readonly maxTokens: number;
  readonly overlapTokens: number;
}

export interface DocumentReader {
  /**
   * @throws an error with a `code` that says whose fault it is: `unsupported_file`, `invalid_file` and `file_too_large` are the file's,
   * `server_error` is the gateway's.
   */
  read(source: DocumentSource, split: SplitOptions, signal?: AbortSignal): Promise<readonly Chunk[]>;
  close(): Promise<void>;
}
