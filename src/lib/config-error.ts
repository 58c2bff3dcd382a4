/** A place in a configuration file; lines and columns count from 1. */
export interface Position {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** The way to a setting, such as `["routes", 0, "targets", 1]`. */
export type SettingPath = readonly (string | number)[];

export interface ConfigProblem {
  /** A sentence that names the key and says what to do. Never holds a secret. */
  readonly message: string;
  readonly path?: SettingPath | undefined;
  readonly position?: Position | undefined;
}

/** Everything that is wrong with a configuration, at once. The command line turns it into exit code 2. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[]) {
    super(problems.map(describeProblem).join("\n"));
    this.problems = problems;
  }
}

/** One line, `file:line:column: message`, without a place where there is none. */
export function describeProblem({ message, position }: ConfigProblem): string {
  return position === undefined
    ? message
    : `${position.file}:${position.line}:${position.column}: ${message}`;
}

/** `routes[0].targets[1]` */
export function settingName(path: SettingPath): string {
  return path.map((part, index) =>
    typeof part === "number" ? `[${part}]` : `${index === 0 ? "" : "."}${part}`
  ).join("");
}
