/** A text with places for values, and nothing else: no conditions, no loops, no code. */
export interface Template {
  /** The paths that stand in it, such as `input.title`, each once. */
  readonly paths: readonly string[];
  /** @param valueOf gives what stands for a path; undefined and null become nothing, what is no text becomes JSON. */
  render(valueOf: (path: string) => unknown): string;
}

const place = /\\?\{\{\s*([^{}]*?)\s*\}\}/g;
const pathForm = /^[A-Za-z_][\w-]*(\.[\w-]+)*$/;

/**
 * Reads a template: `{{path.to.value}}` is a place, `\{{` is written as it stands.
 *
 * @throws {Error} for a place that names no path, and for braces that are not closed.
 */
export function compileTemplate(source: string): Template {
  const parts: (string | { readonly path: string })[] = [];
  let end = 0;
  const addText = (text: string) => {
    if (text.includes("{{")) {
      throw new Error("a template has {{ without }}; write \\{{ for the braces themselves");
    }
    parts.push(text);
  };
  for (const match of source.matchAll(place)) {
    const [whole, path = ""] = match;
    addText(source.slice(end, match.index));
    end = match.index + whole.length;
    if (whole.startsWith("\\")) parts.push(whole.slice(1));
    else if (pathForm.test(path)) parts.push({ path });
    else throw new Error(`"${whole}" in a template names no value; write {{name}} or {{name.field}}`);
  }
  addText(source.slice(end));
  return {
    paths: [...new Set(parts.flatMap((part) => typeof part === "string" ? [] : [part.path]))],
    render: (valueOf) =>
      parts.map((part) => typeof part === "string" ? part : textOf(valueOf(part.path))).join(""),
  };
}

/** What a path leads to; undefined where it leads nowhere. Only own fields count. */
export function lookUp(values: Readonly<Record<string, unknown>>, path: string): unknown {
  let value: unknown = values;
  for (const name of path.split(".")) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined;
    value = (value as Record<string, unknown>)[name];
  }
  return value;
}

/** A value as a text: texts as they are, nothing for nothing, everything else as JSON. */
export function textOf(value: unknown): string {
  if (value === undefined || value === null) return "";
  return typeof value === "string"
    ? value
    : typeof value === "bigint"
    ? String(value)
    : JSON.stringify(value);
}
