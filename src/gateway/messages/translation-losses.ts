import type { ToChatOptions } from "./to-chat-options.ts";

type Loose = Readonly<Record<string, unknown>>;

/** A mark is told of once: clients put them everywhere, and most backends that do not know them cache by themselves. */
export function marksOf(marked: Loose, { cacheMarks, reportLoss }: ToChatOptions): Loose {
  if (!marked.cache_control) return {};
  if (cacheMarks) return { cache_control: marked.cache_control };
  reportLoss({
    field: "cache_control",
    effect: "dropped",
    detail: "this backend takes no marks for its cache",
  });
  return {};
}

/** Tells of every field of a block but those that are carried. */
export function loseFields(
  block: Loose,
  carried: readonly string[],
  field: string,
  options: ToChatOptions,
  detail = "chat completions have no such field",
): void {
  for (const [name, value] of Object.entries(block)) {
    if (carried.includes(name) || value === null || value === undefined) continue;
    // Whose words a call is, where they are the model's own.
    if (name === "caller" && (value as Loose).type === "direct") continue;
    lose(options, `${field}.${name}`, detail);
  }
}

export function lose(options: ToChatOptions, field: string, detail: string): void {
  options.reportLoss({ field, effect: "dropped", detail });
}
