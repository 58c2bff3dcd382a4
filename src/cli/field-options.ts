import { CommandFailure } from "./command-context.ts";

/** For options that may be given several times. */
export function collect(value: string, former: string[] = []): string[] {
  return [...former, value];
}

const unitMs = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** `90s`, `15m`, `12h`, `30d` in milliseconds; undefined for anything else. */
export function durationMs(text: string): number | undefined {
  const match = /^(\d{1,9})([smhd])$/.exec(text);
  return match === null ? undefined : Number(match[1]) * unitMs[match[2] as keyof typeof unitMs];
}

/** The fields of an account as options of the command line give them; what is not given is left out. */
export function readFieldOptions(options: object, now: number = Date.now()): Record<string, unknown> {
  const given = options as Readonly<Record<string, string | string[] | undefined>>;
  const fields: Record<string, unknown> = {
    name: given.name,
    owner: given.owner,
    team: given.team,
    tenant: given.tenant,
    organisation: given.organisation,
    roles: given.role,
    models: given.model,
    routes: given.route,
    persona: given.persona,
    guardrails: given.guardrail,
    endpoints: given.endpoint,
    ip_ranges: given.ipRange,
    expires_at: typeof given.expires === "string" ? expiry(given.expires, now) : undefined,
    metadata: pairs("metadata", given.metadata, (value) => value),
    limits: pairs("limit", given.limit, numberOrText),
    budget: pairs("budget", given.budget, budgetValue),
  };
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

function expiry(text: string, now: number): string {
  const duration = durationMs(text);
  return duration === undefined ? text : new Date(now + duration).toISOString();
}

function pairs(
  option: string,
  texts: string | string[] | undefined,
  convert: (value: string, name: string) => unknown,
): Record<string, unknown> | undefined {
  if (!Array.isArray(texts)) return undefined;
  return Object.fromEntries(texts.map((text) => {
    const position = text.indexOf("=");
    if (position <= 0) throw new CommandFailure(2, `--${option} takes name=value, not "${text}"`);
    const name = text.slice(0, position);
    return [name, convert(text.slice(position + 1), name)];
  }));
}

function budgetValue(value: string, name: string): unknown {
  if (name === "alerts") return value.split(",").map(Number);
  return name.endsWith("_usd") ? numberOrText(value) : value;
}

/** What is no number is refused by the schema, which then says what it got. */
function numberOrText(value: string): number | string {
  const number = Number(value);
  return value.trim() === "" || Number.isNaN(number) ? value : number;
}
