import type { ToChatOptions } from "./to-chat-options.ts";

type Loose = Readonly<Record<string, unknown>>;

/** Tells of every field of something but those that are carried, and those that say nothing. */
export function loseFields(
  thing: Loose,
  carried: ReadonlySet<string>,
  place: string,
  reportLoss: ToChatOptions["reportLoss"],
): void {
  for (const [name, value] of Object.entries(thing)) {
    if (carried.has(name) || saysNothing(name, value)) continue;
    reportLoss({
      field: `${place}.${name}`,
      effect: "dropped",
      detail: "chat completions have no such field",
    });
  }
}

function saysNothing(name: string, value: unknown): boolean {
  if (value === null || value === undefined) return true;
  if (Array.isArray(value)) return value.length === 0;
  // Who calls a tool is the model, where nothing else is said.
  return name === "caller" && (value as Loose).type === "direct";
}
