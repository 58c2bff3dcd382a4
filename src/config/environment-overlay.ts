import { readFileSync } from "node:fs";
import { z } from "zod";
import { type ConfigProblem, settingName } from "../lib/config-error.ts";
import { didYouMeanSentence } from "../lib/did-you-mean.ts";
import type { Environment } from "./environment.ts";
import { keysAt, schemaAt } from "./schema-walk.ts";

const prefix = "INTELLIROUTER_";

/** Variables that are no settings. */
const special = [
  "INTELLIROUTER_CONFIG",
  "INTELLIROUTER_DATA_DIR",
  "INTELLIROUTER_API_KEYS",
  "INTELLIROUTER_ADMIN_KEY",
  "INTELLIROUTER_API_KEY",
];
const specialWithFiles = new Set(special.flatMap((name) => [name, `${name}_FILE`]));

/**
 * Kubernetes puts such variables into every pod beside a Service whose name begins with ours
 * (https://kubernetes.io/docs/tutorials/services/connect-applications-service/).
 */
const serviceLink = /_SERVICE_(?:HOST|PORT)(?:_|$)|_PORT_\d+_(?:TCP|UDP|SCTP)(?:_|$)/;
const serviceLinkAddress = /^(?:tcp|udp|sctp):\/\//;

export interface Overlay {
  /** Variable → the setting that it gives, and the value. */
  readonly values: readonly {
    readonly variable: string;
    readonly path: readonly string[];
    readonly value: unknown;
  }[];
  readonly problems: readonly ConfigProblem[];
}

/**
 * Settings from the environment: `INTELLIROUTER_SERVER__PORT=9000` is `server.port = 9000`. Two underscores step into a
 * table; `…_FILE` reads the value from a file; tables and lists of tables are given as JSON. An empty variable counts as unset, which
 * is how compose files spell an absent one.
 */
export function readOverlay(environment: Environment): Overlay {
  const values: Overlay["values"][number][] = [];
  const problems: ConfigProblem[] = [];
  for (const [variable, text] of Object.entries(environment)) {
    if (
      !variable.startsWith(prefix) || !text || specialWithFiles.has(variable) || isServiceLink(variable, text)
    ) continue;
    try {
      values.push(readVariable(variable, text));
    } catch (error) {
      problems.push({
        message: `the environment variable ${variable} ${error instanceof Error ? error.message : error}`,
      });
    }
  }
  return { values, problems };
}

function isServiceLink(variable: string, text: string): boolean {
  return serviceLink.test(variable) || (variable.endsWith("_PORT") && serviceLinkAddress.test(text));
}

function readVariable(variable: string, text: string): Overlay["values"][number] {
  const parts = variable.slice(prefix.length).toLowerCase().split("__");
  const direct = schemaAt(parts);
  if (direct !== undefined) return { variable, path: parts, value: coerce(direct, text) };
  const last = parts.at(-1)!;
  const filePath = last.endsWith("_file")
    ? [...parts.slice(0, -1), last.slice(0, -"_file".length)]
    : undefined;
  const fromFile = filePath === undefined ? undefined : schemaAt(filePath);
  if (filePath !== undefined && fromFile !== undefined) {
    return { variable, path: filePath, value: coerce(fromFile, readText(text)) };
  }
  const candidates = allVariables();
  const nested = candidates.find((name) => name.endsWith(`__${variable.slice(prefix.length)}`));
  throw new Error(
    `names no setting.${
      nested === undefined
        ? didYouMeanSentence(variable, [...candidates, ...special])
        : ` Did you mean "${nested}"?`
    }`,
  );
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8").trimEnd();
  } catch (error) {
    throw new Error(
      `names the file ${path}, which cannot be read: ${error instanceof Error ? error.message : error}`,
    );
  }
}

/** Every variable that sets one value, for suggestions and for the reference. */
export function allVariables(path: readonly string[] = []): string[] {
  return keysAt(path).flatMap((key) => {
    const inner = [...path, key];
    return keysAt(inner).length > 0 && schemaAt(inner) instanceof z.ZodObject
      ? allVariables(inner)
      : [variableOf(inner)];
  });
}

/** `server.port` → `INTELLIROUTER_SERVER__PORT` */
export function variableOf(path: readonly string[]): string {
  return prefix + path.join("__").toUpperCase();
}

/** The text as the type that the setting has; what does not fit is left for the schema to complain about. */
function coerce(schema: z.ZodType, text: string): unknown {
  if (schema instanceof z.ZodNumber) {
    return text.trim() !== "" && Number.isFinite(Number(text)) ? Number(text) : text;
  }
  if (schema instanceof z.ZodBoolean) {
    return /^(true|1|yes|on)$/i.test(text) ? true : /^(false|0|no|off)$/i.test(text) ? false : text;
  }
  if (schema instanceof z.ZodString || schema instanceof z.ZodEnum) return text;
  if (/^\s*[[{]/.test(text)) {
    try {
      return JSON.parse(text);
    } catch {
      throw new Error("is not valid JSON");
    }
  }
  if (schema instanceof z.ZodArray) {
    return text.split(",").map((item) => item.trim()).filter((item) => item !== "");
  }
  return text;
}

/** For messages: which variable gave a setting. */
export function overlaySource(overlay: Overlay, path: readonly (string | number)[]): string | undefined {
  const name = settingName(path);
  return overlay.values.find((entry) =>
    name === settingName(entry.path) || name.startsWith(`${settingName(entry.path)}.`) ||
    name.startsWith(`${settingName(entry.path)}[`)
  )?.variable;
}
