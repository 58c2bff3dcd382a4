/**
 * The part of Bun's API that the gateway uses, declared here so that Deno's type checker can read this
 * folder as well. Checked against Bun 1.4.5.
 */
export interface BunServer {
  readonly port: number | undefined;
  readonly hostname: string | undefined;
  /** Seconds without traffic after which this request's connection is closed; 0 is never. */
  timeout(request: Request, seconds: number): void;
  requestIP(request: Request): { readonly address: string } | null;
  stop(closeActiveConnections?: boolean): Promise<void>;
}

export interface BunServeOptions {
  readonly hostname: string;
  readonly port: number;
  readonly idleTimeout: number;
  readonly maxRequestBodySize: number;
  readonly development: false;
  readonly reusePort?: boolean;
  readonly fetch: (request: Request, server: BunServer) => Response | Promise<Response>;
  error(error: unknown): Response;
}

export interface BunModuleGraph {
  import(path: string): Promise<Record<string, unknown>>;
  run<T>(work: () => T): T;
  dispose(): void;
}

export interface BunPluginBuilder {
  module(name: string, load: () => { exports: Record<string, unknown>; loader: "object" }): void;
}

export interface BunApi {
  readonly version: string;
  serve(options: BunServeOptions): BunServer;
  /** The file's bytes as they are and will be; `shared` writes to it. */
  mmap(path: string, options: { readonly shared: boolean }): Uint8Array;
  plugin(options: { readonly name: string; setup(build: BunPluginBuilder): void }): void;
  readonly ModuleGraph?: new (options: { onError(error: unknown): void }) => BunModuleGraph;
}

/** Bun's API, or undefined on another runtime. */
export function bunApi(): BunApi | undefined {
  return (globalThis as { readonly Bun?: BunApi }).Bun;
}
