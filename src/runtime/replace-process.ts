/** Bun reads the limit of concurrent `fetch` calls from here, once, when it starts. */
const variable = "BUN_CONFIG_MAX_HTTP_REQUESTS";

/** Bun's own limit is 256, streams included; beyond this one the operating system's limits come first. */
const concurrentRequests = "16384";

/**
 * Starts this process anew, with the same process id, when its runtime would let only 256 calls to backends run at a time.
 * The limit cannot be changed from inside a running process. Elsewhere than on Bun nothing happens.
 *
 * @param environment this process's environment variables.
 */
export function liftConcurrencyLimit(environment: Readonly<Record<string, string | undefined>>): void {
  const isBun = "Bun" in globalThis;
  if (!isBun || environment[variable] !== undefined || process.execve === undefined) return;
  const compiled = import.meta.url.includes("/$bunfs/");
  // A compiled executable takes its arguments right after its name; an interpreter also needs its script.
  const rest = compiled ? process.argv.slice(2) : [...process.execArgv, ...process.argv.slice(1)];
  process.execve(process.execPath, [process.argv0, ...rest], {
    ...environment,
    [variable]: concurrentRequests,
  });
}
