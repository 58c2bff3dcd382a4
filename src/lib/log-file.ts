/** The file below a log. What `write` was given is with the operating system when it returns: `kill -9` cannot take it back. */
export interface LogFile {
  /**
   * Appends.
   *
   * @returns how many bytes there were.
   * @throws when they cannot all be written; some of them may have been.
   */
  write(text: string): number;
  /** Waits until the disk has what was written. @throws when the disk fails. */
  sync(): void;
  /** Has the disk take what was written, without waiting. */
  syncSoon(onError: (error: unknown) => void): void;
  close(): void;
}

/** Opens a new file. @throws when there is one of this name already. */
export type OpenLogFile = (path: string) => LogFile;
