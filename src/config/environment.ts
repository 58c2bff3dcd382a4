import process from "node:process";

/** Environment variables, read once and handed to whoever needs them. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The only place that reads the process's environment. */
export function readEnvironment(): Environment {
  return { ...process.env };
}
