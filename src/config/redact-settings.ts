import type { Settings } from "../schema/settings.ts";
import { isSecretName } from "./secret-names.ts";

const mark = "[redacted]";

/** The settings with everything that may be a secret replaced, so that they can be shown. */
export function redactSettings(settings: Settings): Record<string, unknown> {
  return redact(settings) as Record<string, unknown>;
}

function redact(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(redact);
  if (typeof value === "string") return value.replace(/(\w+:\/\/)[^/\s@]+@/g, `$1${mark}@`);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, inner]) => inner !== undefined)
      .map((
        [key, inner],
      ) => [key, isSecret(key, inner) ? mark : key === "headers" ? hideAll(inner) : redact(inner)]),
  );
}

function isSecret(key: string, value: unknown): boolean {
  const isText = typeof value === "string" ||
    (Array.isArray(value) && value.some((item) => typeof item === "string"));
  return isText && isSecretName(key);
}

/** Header values often are keys under names that nobody foresaw. */
function hideAll(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return mark;
  return Object.fromEntries(Object.keys(value).map((name) => [name, mark]));
}
