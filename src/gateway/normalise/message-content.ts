/** The fields in which backends put what a model thinks before it answers. */
export interface Reasoning {
  readonly reasoning_content?: string;
  readonly reasoning?: string;
}

/** The one text for both spellings that clients read; nothing when there is none. */
export function bothSpellings(text: string | undefined): Reasoning {
  return text === undefined ? {} : { reasoning_content: text, reasoning: text };
}

/** Some backends give content as a list of parts; clients want text. */
export function splitContent(
  content: unknown,
): { readonly content: string | null; readonly thinking: string | undefined } {
  if (typeof content === "string") return { content, thinking: undefined };
  if (!Array.isArray(content)) {
    return {
      content: content === null || content === undefined ? null : JSON.stringify(content),
      thinking: undefined,
    };
  }
  let text = "";
  let thinking: string | undefined;
  for (const part of content) {
    if (part?.type === "thinking") thinking = (thinking ?? "") + textOf(part.thinking);
    else text += textOf(part);
  }
  return { content: text === "" && thinking !== undefined ? null : text, thinking };
}

function textOf(part: unknown): string {
  if (typeof part === "string") return part;
  if (Array.isArray(part)) return part.map(textOf).join("");
  const text = (part as { readonly text?: unknown } | null)?.text;
  return typeof text === "string" ? text : "";
}

/** The protocol's service tiers; backends have others, which break clients with closed enums. */
const serviceTiers: ReadonlySet<unknown> = new Set(["auto", "default", "flex", "scale", "priority"]);

export function isServiceTier(value: unknown): boolean {
  return value === undefined || value === null || serviceTiers.has(value);
}

/** Arguments of a call are JSON text, also for backends that give them as an object. */
export function argumentsText(value: unknown): string {
  if (typeof value === "string") return value;
  return value === undefined || value === null ? "" : JSON.stringify(value);
}
