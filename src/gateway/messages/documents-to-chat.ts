import { UpstreamError } from "../../plugin/api/upstream-error.ts";
import type { ContentBlock } from "../../schema/message.ts";
import type { ToChatOptions } from "./to-chat-options.ts";
import { loseFields, marksOf } from "./translation-losses.ts";

type Loose = Readonly<Record<string, unknown>>;

/** A part of a chat message. */
export type Part = Loose & { readonly type: string };

const carried = ["type", "source", "cache_control", "title"];

/**
 * A document as parts of a chat message; undefined where they have none for it.
 *
 * @param toParts what makes parts of the blocks that a document may consist of.
 */
export function documentParts(
  block: ContentBlock,
  field: string,
  options: ToChatOptions,
  toParts: (block: ContentBlock, field: string, options: ToChatOptions) => Part[],
): Part[] | undefined {
  const source = (block.source ?? {}) as Loose;
  const isText = source.type === "text" || source.type === "content";
  // A text has room for its title and its context, a file for a name.
  loseFields(block, isText ? [...carried, "context"] : carried, field, options);
  const marks = marksOf(block, options);
  const named = typeof block.title === "string" ? { filename: block.title } : {};
  switch (source.type) {
    case "text":
      return [{ type: "text", text: [...headings(block), source.data].join("\n"), ...marks }];
    case "base64":
    case "url": {
      if (source.type === "url" && !options.fileAddresses) return undefined;
      const filename = `${named.filename ?? "document"}.pdf`;
      return [{ type: "file", file: { filename, file_data: addressOf(source) }, ...marks }];
    }
    case "file": {
      const id = fileId(source, `${field}.source.file_id`);
      return [{ type: "file", file: { file_id: id, ...named }, ...marks }];
    }
    case "content": {
      const heading = headings(block).map((text) => ({ type: "text", text }));
      const parts = typeof source.content === "string"
        ? [{ type: "text", text: source.content }]
        : Array.isArray(source.content)
        ? source.content.flatMap((inner: ContentBlock, index) =>
          toParts(inner, `${field}.source.content[${index}]`, options)
        )
        : [];
      return marked([...heading, ...parts], marks);
    }
    default:
      return undefined;
  }
}

/** A mark on a whole is one on its last part. */
function marked(parts: Part[], marks: Loose): Part[] {
  const last = parts.at(-1);
  return last === undefined ? [] : [...parts.slice(0, -1), { ...last, ...marks }];
}

function headings({ title, context }: ContentBlock): string[] {
  return [title, context].filter((text) => typeof text === "string");
}

/** What a search of the client's own has found. */
export function searchResultPart(block: ContentBlock, field: string, options: ToChatOptions): Part {
  loseFields(block, ["type", "title", "source", "content", "cache_control"], field, options);
  const { title, source, content } = block;
  const texts = Array.isArray(content)
    ? content.map((inner: ContentBlock, index) => {
      loseFields(inner, ["type", "text"], `${field}.content[${index}]`, options);
      return String(inner.text ?? "");
    })
    : [String(content ?? "")];
  const said = [title, source].filter((text) => typeof text === "string");
  return { type: "text", text: [...said, ...texts].join("\n"), ...marksOf(block, options) };
}

/** @throws {UpstreamError} `unsupported` for a file that was uploaded to Anthropic, which no backend of chat completions has. */
function fileId({ file_id: id }: Loose, param: string): unknown {
  if (typeof id !== "string" || !id.startsWith("file_")) return id;
  throw new UpstreamError({
    kind: "unsupported",
    code: "unsupported_value",
    param,
    message: "The file was uploaded to Anthropic, and this target cannot read it; send its data.",
  });
}

/** The address of an image or a file; undefined where it is known by its id. */
export function addressOf(source: Loose): string | undefined {
  if (source.type === "base64") return `data:${String(source.media_type)};base64,${String(source.data)}`;
  return source.type === "url" ? String(source.url) : undefined;
}
