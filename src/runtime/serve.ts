import type { Connection, RequestHandler } from "../lib/connection.ts";
import { bunApi } from "./bun-api.ts";
import type { BunServer } from "./bun-api.ts";

export interface ServeOptions {
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
  /** 1 to 255. */
  readonly idleTimeoutSeconds: number;
  /** Answers a request whose handler threw; the handler is expected never to. */
  readonly onError: (error: unknown) => Response;
  readonly handler: RequestHandler;
}

export interface HttpServer {
  readonly host: string;
  readonly port: number;
  /** Refuses new connections at once and resolves when the running requests have ended. */
  stop(): Promise<void>;
  /** Cuts what still runs. */
  abort(): Promise<void>;
}

/**
 * Bodies are limited by the gateway itself, so that the refusal is a proper error object; the runtime's own limit is
 * set just to be out of the way.
 */
const noBodyLimit = Number.MAX_SAFE_INTEGER;

/** Listens for HTTP/1.1. Throws when the address cannot be had. */
export function serve(options: ServeOptions): HttpServer {
  const bun = bunApi();
  return bun === undefined ? serveOnDeno(options) : serveOnBun(bun.serve, options);
}

class BunConnection implements Connection {
  readonly #request: Request;
  readonly #server: BunServer;
  readonly #idleSeconds: number;

  constructor(request: Request, server: BunServer, idleSeconds: number) {
    this.#request = request;
    this.#server = server;
    this.#idleSeconds = idleSeconds;
  }

  get remoteAddress(): string | undefined {
    return this.#server.requestIP(this.#request)?.address;
  }

  keepOpen(): () => void {
    this.#server.timeout(this.#request, 0);
    return () => this.#server.timeout(this.#request, this.#idleSeconds);
  }
}

function serveOnBun(
  bunServe: (options: Parameters<NonNullable<ReturnType<typeof bunApi>>["serve"]>[0]) => BunServer,
  options: ServeOptions,
): HttpServer {
  const server = bunServe({
    hostname: options.host,
    port: options.port,
    idleTimeout: options.idleTimeoutSeconds,
    maxRequestBodySize: noBodyLimit,
    development: false,
    // Without development mode the runtime shares the port with whoever else asks for it; two gateways would each get some
    // of the requests.
    reusePort: false,
    fetch: (request, origin) =>
      options.handler(request, new BunConnection(request, origin, options.idleTimeoutSeconds)),
    error: options.onError,
  });
  return {
    host: server.hostname ?? options.host,
    port: server.port ?? options.port,
    stop: () => server.stop(),
    abort: () => server.stop(true),
  };
}

interface DenoApi {
  serve(
    options: {
      hostname: string;
      port: number;
      signal: AbortSignal;
      onListen(address: { hostname: string; port: number }): void;
      onError(error: unknown): Response;
    },
    handler: (request: Request, info: { remoteAddr: { hostname?: string } }) => Response | Promise<Response>,
  ): {
    readonly addr: { hostname: string; port: number };
    readonly finished: Promise<void>;
    shutdown(): Promise<void>;
  };
}

/** Deno closes no quiet connection while its request runs, so there is nothing to lift. */
const nothing = (): void => {};

function serveOnDeno(options: ServeOptions): HttpServer {
  const deno = (globalThis as unknown as { readonly Deno: DenoApi }).Deno;
  const cut = new AbortController();
  const server = deno.serve(
    {
      hostname: options.host,
      port: options.port,
      signal: cut.signal,
      onListen: nothing,
      onError: options.onError,
    },
    (request, info) =>
      options.handler(request, { remoteAddress: info.remoteAddr.hostname, keepOpen: () => nothing }),
  );
  return {
    host: server.addr.hostname,
    port: server.addr.port,
    stop: () => server.shutdown(),
    abort: async () => {
      cut.abort();
      await server.finished;
    },
  };
}
