/** A structured logger. Fields are values, never secrets: nothing a plugin logs is redacted for it. */
export interface PluginLogger {
  debug(message: string, fields?: Readonly<Record<string, unknown>>): void;
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
  error(message: string, fields?: Readonly<Record<string, unknown>>): void;
}

/** What an outgoing request may say. Redirects are never followed and no time limit is set: the caller's signal is. */
export interface EgressInit {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>> | Headers;
  readonly body?: string | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array<ArrayBuffer>>;
  readonly signal?: AbortSignal;
}

/**
 * The only way out of the process: the gateway's egress function.
 *
 * Resolves with the response as soon as its headers are there. `content-encoding` and `content-length` are
 * already removed from a body that was decompressed.
 *
 * @throws {UpstreamError} of kind `unavailable` when no connection comes about or it breaks before headers.
 * @throws the signal's reason when the signal aborts.
 */
export type EgressFetch = (url: string, init?: EgressInit) => Promise<Response>;

/** A file that a request names by its address. */
export interface DownloadedFile {
  /** Without parameters, lower-case: `image/png`. */
  readonly mediaType: string;
  readonly data: Uint8Array<ArrayBuffer>;
}

/**
 * Fetches a file that a client's request names by address, for backends that take bytes only.
 *
 * The address is the client's, so only public hosts on http or https are reached, redirects are checked anew, and size and time
 * are limited by the configuration.
 *
 * @throws {UpstreamError} of kind `invalid_request` when the address is refused or gives no file.
 */
export type Download = (url: string, signal: AbortSignal) => Promise<DownloadedFile>;

/** All of the world that a plugin is handed. */
export interface PluginHost {
  readonly logger: PluginLogger;
  readonly fetch: EgressFetch;
  readonly download: Download;
  /** Wall clock in milliseconds since the epoch; replaced in tests. */
  readonly now: () => number;
  /** Uniform in [0, 1); replaced in tests, so that a strategy is deterministic. */
  readonly random: () => number;
  /**
   * The secret that the configuration gave this plugin under this name (`api_key` for providers).
   * Undefined when the operator configured none. Secrets never travel inside `options`.
   */
  readonly secret: (name: string) => string | undefined;
  /**
   * The environment variable of that name, without the space around it, where the plugin declares it under `variables`. Undefined when
   * it is empty, not set, or not declared.
   */
  readonly variable: (name: string) => string | undefined;
  /**
   * Opens (or makes) this plugin's own embedded database of that name in the data directory. In memory when the
   * gateway runs without a writable data directory. The caller closes it.
   */
  readonly sqlite: (name: string) => Database;
}

/** The small part of an SQLite driver that stores need; statements are prepared once and kept. */
export interface Database {
  prepare(sql: string): DatabaseStatement;
  exec(sql: string): void;
  /** Runs `work` in one transaction: all of it or, when it throws, none. */
  transaction<T>(work: () => T): T;
  close(): void;
}

export type DatabaseValue = string | number | bigint | Uint8Array | null;

export interface DatabaseStatement {
  run(...values: DatabaseValue[]): { readonly changes: number };
  get(...values: DatabaseValue[]): Record<string, DatabaseValue> | undefined;
  all(...values: DatabaseValue[]): Record<string, DatabaseValue>[];
}
