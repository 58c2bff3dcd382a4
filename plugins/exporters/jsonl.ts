import { type FileHandle, mkdir, open, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { definePlugin, type Exporter } from "intellirouter/plugin";
import { z } from "zod";

const optionsSchema = z.strictObject({
  path: z.string().min(1).describe(
    "The file. When it is full or old it becomes PATH.1, what was that becomes PATH.2, and so on.",
  ),
  max_bytes: z.number().int().min(1024).default(104_857_600).describe("Size at which a new file is begun."),
  max_age_hours: z.number().min(0).default(24).describe("Age at which a new file is begun; 0 is none."),
  files: z.number().int().min(1).max(1000).default(7).describe("Old files that are kept."),
});

/** One JSON object a line, in a file that is changed for a new one when it is big or old. */
export default definePlugin({
  apiVersion: 1,
  kind: "exporter",
  name: "jsonl",
  description: "Appends every event as one line of JSON to a file, with rotation.",
  options: optionsSchema,
  create: (options, { now }) => createExporter(options, now),
});

function createExporter(
  { path, max_bytes: maxBytes, max_age_hours: maxAgeHours, files }: z.output<typeof optionsSchema>,
  now: () => number,
): Exporter {
  let file: { readonly handle: FileHandle; readonly begun: number; size: number } | undefined;

  const begin = async () => {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const handle = await open(path, "a", 0o600);
    const { size, birthtimeMs } = await handle.stat();
    return { handle, size, begun: size === 0 ? now() : Math.min(birthtimeMs, now()) };
  };
  const end = async () => {
    const { handle } = file ?? {};
    file = undefined;
    await handle?.close();
  };
  const rotate = async () => {
    await end();
    await rm(`${path}.${files}`, { force: true });
    for (let number = files - 1; number >= 0; number--) {
      const from = number === 0 ? path : `${path}.${number}`;
      if (await stat(from).catch(() => undefined) !== undefined) await rename(from, `${path}.${number + 1}`);
    }
  };
  const isDue = (bytes: number) =>
    file !== undefined && file.size > 0 &&
    (file.size + bytes > maxBytes || (maxAgeHours > 0 && now() - file.begun >= maxAgeHours * 3_600_000));

  return {
    async export({ events }) {
      const bytes = Buffer.from(events.map((event) => `${JSON.stringify(event)}\n`).join(""));
      file ??= await begin();
      if (isDue(bytes.length)) {
        await rotate();
        file = await begin();
      }
      try {
        // All of it in one call: half a line would spoil the next one as well.
        await file.handle.appendFile(bytes);
        file.size += bytes.length;
      } catch (error) {
        await end().catch(() => {});
        throw error;
      }
    },
    close: end,
  };
}
