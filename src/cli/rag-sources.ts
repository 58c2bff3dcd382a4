import { createHash } from "node:crypto";
import { lstat, readdir, readFile } from "node:fs/promises";
import { basename, extname, join, relative, resolve, sep } from "node:path";
import { type CommandContext, CommandFailure } from "./command-context.ts";

/** A document that is to be added. */
export interface RagSource {
  /** Its path below the folder that was named, with slashes; what it is known by when it is added again. */
  readonly name: string;
  read(): Promise<Uint8Array<ArrayBuffer>>;
}

/** What of a folder is taken. A file that is named by itself is taken whatever it is called. */
const extensions: ReadonlySet<string> = new Set(
  "txt text md markdown mdx rst html htm xhtml pdf docx csv tsv json jsonl ndjson".split(" ").map((name) =>
    `.${name}`
  ),
);

/**
 * Files, the documents of folders and of those within them, and `-` for standard input. What is hidden and what is a link is left out.
 *
 * @throws {CommandFailure} for a path that is not there, and for a folder without documents.
 */
export async function ragSources(
  context: CommandContext,
  paths: readonly string[],
  stdinName: string,
): Promise<RagSource[]> {
  const sources: RagSource[] = [];
  for (const path of paths) {
    if (path === "-") {
      sources.push({
        name: stdinName,
        read: async () => new TextEncoder().encode(await context.readStdin()),
      });
      continue;
    }
    const full = resolve(context.cwd, path);
    const found = await lstat(full).catch(() => undefined);
    if (found === undefined) throw new CommandFailure(1, `there is no file or folder "${path}"`);
    if (!found.isDirectory()) sources.push(fileSource(basename(full), full));
    else {
      const documents = await documentsOf(full);
      if (documents.length === 0) {
        throw new CommandFailure(
          1,
          `there are no documents in "${path}"; looked for ${[...extensions].join(" ")}`,
        );
      }
      sources.push(...documents.map((file) => fileSource(relative(full, file).split(sep).join("/"), file)));
    }
  }
  return sources;
}

async function documentsOf(folder: string): Promise<string[]> {
  const entries = (await readdir(folder, { withFileTypes: true })).sort((one, other) =>
    one.name < other.name ? -1 : 1
  );
  const documents: string[] = [];
  for (const entry of entries) {
    if (entry.name.startsWith(".")) continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) documents.push(...await documentsOf(path));
    else if (entry.isFile() && extensions.has(extname(entry.name).toLowerCase())) documents.push(path);
  }
  return documents;
}

function fileSource(name: string, path: string): RagSource {
  return { name, read: async () => new Uint8Array(await readFile(path)) };
}

/** What a document is known by to be the same. */
export function contentHash(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex").slice(0, 32);
}
