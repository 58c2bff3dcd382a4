import type { Environment } from "../config/environment.ts";
import type { AnyPlugin } from "../plugin/api/define-plugin.ts";

/** The world as commands see it; replaced in tests. */
export interface CommandContext {
  readonly environment: Environment;
  readonly plugins: readonly AnyPlugin[];
  readonly cwd: string;
  readonly version: string;
  /** Data. */
  readonly stdout: (text: string) => void;
  /** Logs, complaints, prompts. */
  readonly stderr: (text: string) => void;
  readonly stdoutIsTerminal: boolean;
  readonly stderrIsTerminal: boolean;
  readonly stdinIsTerminal: boolean;
  readonly readStdin: () => Promise<string>;
}

/** A command that ends with this code; the message, if any, goes to standard error. */
export class CommandFailure extends Error {
  override readonly name = "CommandFailure";
  readonly exitCode: number;

  constructor(exitCode: number, message = "") {
    super(message);
    this.exitCode = exitCode;
  }
}
