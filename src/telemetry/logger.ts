import pc from "picocolors";
import type { PluginLogger } from "../plugin/api/host.ts";

export type LogLevel = "debug" | "info" | "warn" | "error" | "silent";

const severity: Record<LogLevel, number> = { debug: 10, info: 20, warn: 30, error: 40, silent: 100 };

/** Fields of a log line; values must be plain data and never secrets or prompts. */
export type LogFields = Readonly<Record<string, unknown>>;

export interface LoggerOptions {
  readonly level: LogLevel;
  /** `json`: one object a line. `pretty`: text for people. */
  readonly format: "json" | "pretty";
  readonly colors?: boolean;
  /** Takes whole lines, each with its line break. */
  readonly write: (text: string) => void;
  /** Wall clock in milliseconds. */
  readonly now: () => number;
}

/** Structured logs. A logger is cheap to derive and holds no buffer: `write` decides how lines travel. */
export class Logger implements PluginLogger {
  readonly #options: LoggerOptions;
  readonly #fields: LogFields;
  readonly #threshold: number;

  constructor(options: LoggerOptions, fields: LogFields = {}) {
    this.#options = options;
    this.#fields = fields;
    this.#threshold = severity[options.level];
  }

  /** A logger whose every line also has these fields. */
  with(fields: LogFields): Logger {
    return new Logger(this.#options, { ...this.#fields, ...fields });
  }

  debug(message: string, fields?: LogFields): void {
    this.#log("debug", message, fields);
  }

  info(message: string, fields?: LogFields): void {
    this.#log("info", message, fields);
  }

  warn(message: string, fields?: LogFields): void {
    this.#log("warn", message, fields);
  }

  error(message: string, fields?: LogFields): void {
    this.#log("error", message, fields);
  }

  /** Whether a line of this level would be written; for callers whose fields are dear to make. */
  writes(level: LogLevel): boolean {
    return severity[level] >= this.#threshold;
  }

  #log(level: LogLevel, message: string, fields: LogFields = noFields): void {
    if (severity[level] < this.#threshold) return;
    const time = new Date(this.#options.now()).toISOString();
    const line = this.#options.format === "json"
      ? `{"time":"${time}","level":"${level}","message":${JSON.stringify(message)}${inside(this.#fields)}${
        inside(fields)
      }}`
      : this.#pretty(time, level, message, { ...this.#fields, ...fields });
    this.#options.write(`${line}\n`);
  }

  #pretty(time: string, level: LogLevel, message: string, fields: LogFields): string {
    const colors = pc.createColors(this.#options.colors ?? false);
    const paint = {
      debug: colors.gray,
      info: colors.green,
      warn: colors.yellow,
      error: colors.red,
      silent: colors.gray,
    };
    const pairs = Object.entries(fields)
      .filter(([, value]) => value !== undefined)
      .map(([key, value]) => `${colors.dim(`${key}=`)}${inline(value)}`);
    return [colors.dim(time.slice(11, 23)), paint[level](level.padEnd(5)), message, ...pairs].join(" ");
  }
}

const noFields: LogFields = {};

/** Fields as they stand inside of a JSON object, after others. */
function inside(fields: LogFields): string {
  let plain = fields;
  for (const key in fields) {
    // Errors have no enumerable fields, so JSON would show them as `{}`.
    const value = fields[key];
    if (value instanceof Error) plain = { ...plain, [key]: value.message };
  }
  const text = JSON.stringify(plain);
  return text === "{}" ? "" : `,${text.slice(1, -1)}`;
}

/** Control characters of foreign text must not draw lines of their own. */
function inline(value: unknown): string {
  if (value instanceof Error) return JSON.stringify(value.message);
  if (typeof value === "string" && /^[\w./:@*+-]+$/.test(value)) return value;
  return JSON.stringify(value) ?? "undefined";
}
