import type { EditableText } from "./prompt-editor.ts";

type Loose = Readonly<Record<string, unknown>>;
type Change = (text: EditableText) => string;

/** The fields of parts that hold what somebody said, in all protocols. */
const textFields = ["text", "refusal", "thinking"] as const;

/**
 * Changes the texts in a message's content, which is a text or a list of parts; the same value when nothing has changed.
 *
 * Parts within parts (results of tools, documents of blocks) are gone into; thoughts that are signed are left alone, because a
 * changed one is refused.
 */
export function mapContent(
  content: unknown,
  role: EditableText["role"],
  path: string,
  change: Change,
): unknown {
  if (typeof content === "string") return change({ role, kind: "text", path, text: content });
  if (!Array.isArray(content)) return content;
  return mapSame(content, (part, index) => mapPart(part, role, `${path}[${index}]`, change));
}

function mapPart(part: unknown, role: EditableText["role"], path: string, change: Change): unknown {
  if (typeof part !== "object" || part === null) return part;
  const loose = part as Loose;
  switch (loose.type) {
    case "thinking":
    case "redacted_thinking":
      return part;
    case "tool_use":
      return withField(loose, "input", mapArguments(loose.input, `${path}.input`, change));
    case "tool_result":
      return withField(loose, "content", mapContent(loose.content, "tool", `${path}.content`, change));
    case "document":
      return mapDocument(loose, role, path, change);
  }
  let changed: Loose = loose;
  for (const field of textFields) {
    const text = loose[field];
    if (typeof text !== "string") continue;
    changed = withField(changed, field, change({ role, kind: "text", path: `${path}.${field}`, text }));
  }
  return changed;
}

function mapDocument(document: Loose, role: EditableText["role"], path: string, change: Change): unknown {
  const source = document.source as Loose | undefined;
  if (source?.type === "text" && typeof source.data === "string") {
    const text = change({ role, kind: "text", path: `${path}.source.data`, text: source.data });
    return withField(document, "source", withField(source, "data", text));
  }
  if (source?.type !== "content") return document;
  const content = mapContent(source.content, role, `${path}.source.content`, change);
  return withField(document, "source", withField(source, "content", content));
}

/** Arguments of a call that are given as an object. */
function mapArguments(input: unknown, path: string, change: Change): unknown {
  if (typeof input !== "object" || input === null) return input;
  const text = JSON.stringify(input);
  const changed = change({ role: "assistant", kind: "arguments", path, text });
  return changed === text ? input : JSON.parse(changed);
}

/** The given object where the field's value is the one that it has. */
export function withField<Value extends Loose>(value: Value, field: string, changed: unknown): Value {
  return value[field] === changed ? value : { ...value, [field]: changed };
}

/** Maps a list, and gives the list itself where nothing has changed. */
export function mapSame<Item>(
  items: readonly Item[],
  change: (item: Item, index: number) => Item,
): readonly Item[] {
  let isChanged = false;
  const mapped = items.map((item, index) => {
    const changed = change(item, index);
    isChanged ||= changed !== item;
    return changed;
  });
  return isChanged ? mapped : items;
}

/** The words of a message's content, without anything else. */
export function plainText(content: unknown): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  return content.map((part: Loose) => typeof part?.text === "string" ? part.text : "").filter((text) =>
    text !== ""
  ).join("\n");
}
