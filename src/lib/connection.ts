/** What a request handler may ask of the connection it came in on. */
export interface Connection {
  /** The peer's IP address; undefined on a Unix socket. */
  readonly remoteAddress: string | undefined;
  /**
   * Stops closing the connection for being quiet: an inference request may say nothing for minutes. The
   * returned function brings the normal limit back and must be called before the answer ends.
   */
  keepOpen(): () => void;
}

export type RequestHandler = (request: Request, connection: Connection) => Response | Promise<Response>;
