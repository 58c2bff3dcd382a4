import { ApiError } from "../lib/api-error.ts";
import type { CatalogModel } from "./contracts.ts";

/** What a request may ask for beside its model. A hint can only take targets away, never bring one in. */
export interface Hints {
  /** The reason why a target is not wanted, or undefined. */
  refuses(model: CatalogModel): string | undefined;
  /** Lowers the time limit of the whole request, in milliseconds; Infinity leaves it. */
  readonly timeoutMs: number;
}

export const noHints: Hints = { refuses: () => undefined, timeoutMs: Infinity };

const only = "x-intellirouter-only";
const ignore = "x-intellirouter-ignore";
const maxPriceInput = "x-intellirouter-max-price-input";
const maxPriceOutput = "x-intellirouter-max-price-output";
const timeout = "x-intellirouter-timeout-ms";

/** By which a request narrows the choice of targets. */
export const hintHeaders = [only, ignore, maxPriceInput, maxPriceOutput] as const;

/**
 * Reads the hints of a request.
 *
 * `x-intellirouter-only` and `-ignore` list targets (`provider/model`) or providers, separated by commas; a `*` in them
 * stands for any text. The prices are
 * US dollars for one million tokens and leave out targets whose price is unknown.
 *
 * @throws {ApiError} 400 naming the header that is malformed.
 */
export function readHints(headers: Headers): Hints {
  const wanted = list(headers, only);
  const unwanted = list(headers, ignore);
  const inputPrice = number(headers, maxPriceInput);
  const outputPrice = number(headers, maxPriceOutput);
  const timeoutMs = number(headers, timeout) ?? Infinity;
  if (timeoutMs <= 0) throw malformed(timeout, "a number of milliseconds above 0");
  if (
    !wanted && !unwanted && inputPrice === undefined && outputPrice === undefined && timeoutMs === Infinity
  ) return noHints;
  return {
    timeoutMs,
    refuses(model) {
      if (wanted && !names(wanted, model)) return `not listed in ${only}`;
      if (unwanted && names(unwanted, model)) return `listed in ${ignore}`;
      return dearer(model.inputPrice, inputPrice, maxPriceInput) ??
        dearer(model.outputPrice, outputPrice, maxPriceOutput);
    },
  };
}

function names(entries: ReadonlySet<string>, model: CatalogModel): boolean {
  if (entries.has(model.id) || entries.has(model.provider)) return true;
  for (const entry of entries) {
    if (entry.includes("*") && (matches(entry, model.id) || matches(entry, model.provider))) return true;
  }
  return false;
}

/** Greedy from left to right: without backtracking, since the pattern is a stranger's. */
function matches(pattern: string, text: string): boolean {
  const [first = "", ...rest] = pattern.split("*");
  const last = rest.pop() ?? "";
  if (!text.startsWith(first) || text.length < first.length + last.length || !text.endsWith(last)) {
    return false;
  }
  let position = first.length;
  for (const part of rest) {
    const found = text.indexOf(part, position);
    if (found < 0 || found + part.length > text.length - last.length) return false;
    position = found + part.length;
  }
  return true;
}

function dearer(price: number | undefined, limit: number | undefined, header: string): string | undefined {
  if (limit === undefined) return undefined;
  if (price === undefined) return `its price is unknown and ${header} sets a limit`;
  return price > limit ? `costs ${price} and ${header} allows ${limit}` : undefined;
}

function list(headers: Headers, name: string): ReadonlySet<string> | undefined {
  const value = headers.get(name);
  if (value === null) return undefined;
  const entries = new Set(value.split(",").map((entry) => entry.trim()).filter((entry) => entry !== ""));
  if (entries.size === 0) throw malformed(name, "a list of targets or providers, separated by commas");
  return entries;
}

function number(headers: Headers, name: string): number | undefined {
  const value = headers.get(name);
  if (value === null) return undefined;
  const parsed = Number(value);
  if (value.trim() === "" || !Number.isFinite(parsed) || parsed < 0) {
    throw malformed(name, "a number that is not negative");
  }
  return parsed;
}

function malformed(header: string, expected: string): ApiError {
  return new ApiError({
    status: 400,
    code: "invalid_header",
    message: `The header ${header} must be ${expected}.`,
  });
}
