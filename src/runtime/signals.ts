export type StopSignal = "SIGTERM" | "SIGINT";

/**
 * Listens for the signals of a service. As process 1 of a container a process without listeners ignores SIGTERM, so this is
 * set up before anything that can take time.
 *
 * @returns a function that stops listening.
 */
export function listenForSignals(handlers: { stop(signal: StopSignal): void; reload(): void }): () => void {
  const onTerm = () => handlers.stop("SIGTERM");
  const onInterrupt = () => handlers.stop("SIGINT");
  process.on("SIGTERM", onTerm);
  process.on("SIGINT", onInterrupt);
  process.on("SIGHUP", handlers.reload);
  return () => {
    process.off("SIGTERM", onTerm);
    process.off("SIGINT", onInterrupt);
    process.off("SIGHUP", handlers.reload);
  };
}
