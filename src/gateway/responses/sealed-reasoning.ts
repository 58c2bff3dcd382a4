/**
 * Reasoning that a backend wants back as it was (signatures, ciphertext), in the one opaque field that the Responses protocol has
 * for it.
 */
type Loose = Readonly<Record<string, unknown>>;

/** Marks what the gateway sealed; no other backend can read it. */
const prefix = "ir1.";

/** How OpenAI's own ciphertext is named among `reasoning_details`. */
const openAiFormat = "openai-responses-v1";

/** The field's text for these details; undefined when nothing in them needs to come back unchanged. */
export function sealReasoning(details: readonly Loose[]): string | undefined {
  if (!details.some(({ signature, data }) => isText(signature) || isText(data))) return undefined;
  const [only] = details;
  if (details.length === 1 && only?.type === "reasoning.encrypted" && only.format === openAiFormat) {
    return String(only.data);
  }
  return prefix + Buffer.from(JSON.stringify(details)).toString("base64url");
}

/** Whether the gateway sealed it, of the reasoning of a backend that speaks another protocol. */
export function isSealed(text: unknown): boolean {
  return typeof text === "string" && text.startsWith(prefix);
}

/** The details that an item's opaque field stands for; none when it is not what the gateway or OpenAI made. */
export function unsealReasoning(text: unknown, id: unknown): Loose[] {
  if (!isText(text)) return [];
  if (!text.startsWith(prefix)) {
    return [{
      type: "reasoning.encrypted",
      data: text,
      format: openAiFormat,
      index: 0,
      ...(isText(id) ? { id } : {}),
    }];
  }
  try {
    const details: unknown = JSON.parse(Buffer.from(text.slice(prefix.length), "base64url").toString());
    return Array.isArray(details)
      ? details.filter((detail) => typeof detail === "object" && detail !== null)
      : [];
  } catch {
    return [];
  }
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}
