/**
 * The load generator: a process of its own, a counted number of requests.
 *
 *   bun bench/support/load.ts '{"origin":"http://127.0.0.1:8000","requests":1000,"concurrency":32,"model":"bench","stream":false}'
 *
 * Prints one JSON line: how long it took, and the latencies, in milliseconds.
 */
export interface LoadOptions {
  readonly origin: string;
  readonly requests: number;
  readonly concurrency: number;
  readonly model: string;
  readonly stream: boolean;
  readonly key: string;
}

export interface LoadResult {
  readonly seconds: number;
  readonly failures: number;
  /** From sending to the whole answer, or to the first bytes of a stream. */
  readonly firstMs: readonly number[];
  readonly bytes: number;
}

/** Runs the load in another process, so that its own cost is not the measured one's. */
export async function load(options: LoadOptions): Promise<LoadResult> {
  const child = Bun.spawn([process.execPath, import.meta.path, JSON.stringify(options)], {
    stdout: "pipe",
    stderr: "inherit",
    env: { ...process.env, BUN_CONFIG_MAX_HTTP_REQUESTS: "16384" },
  });
  return JSON.parse(await new Response(child.stdout).text());
}

async function run(options: LoadOptions): Promise<LoadResult> {
  const body = JSON.stringify({
    model: options.model,
    ...(options.stream ? { stream: true } : {}),
    messages: [
      { role: "system", content: "You are a helpful assistant. ".repeat(10) },
      { role: "user", content: "Lorem ipsum dolor sit amet, consectetur adipiscing elit. ".repeat(10) },
    ],
  });
  const headers = { "content-type": "application/json", authorization: `Bearer ${options.key}` };
  const firstMs: number[] = [];
  let left = options.requests;
  let failures = 0;
  let bytes = 0;

  const worker = async () => {
    while (left-- > 0) {
      const started = performance.now();
      try {
        const response = await fetch(`${options.origin}/v1/chat/completions`, {
          method: "POST",
          headers,
          body,
        });
        if (options.stream) {
          let first = true;
          for await (const piece of response.body!) {
            if (first) firstMs.push(performance.now() - started);
            first = false;
            bytes += piece.byteLength;
          }
        } else {
          bytes += (await response.arrayBuffer()).byteLength;
          firstMs.push(performance.now() - started);
        }
        if (!response.ok) failures++;
      } catch {
        failures++;
      }
    }
  };
  const started = performance.now();
  await Promise.all(Array.from({ length: options.concurrency }, worker));
  return { seconds: (performance.now() - started) / 1000, failures, firstMs, bytes };
}

if (import.meta.main) console.log(JSON.stringify(await run(JSON.parse(process.argv[2]!))));
