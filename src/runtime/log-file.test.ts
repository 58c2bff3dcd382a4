import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { temporaryFolder } from "../../test/support/temporary-folder.ts";
import { openLogFile } from "./log-file.ts";

/** What a file holds before the zeros at its end. */
function contentOf(path: string): string {
  return readFileSync(path, "utf8").replace(/\0+$/, "");
}

test("what is written is in the file at once, in order, whatever its length", () => {
  using folder = temporaryFolder();
  const path = join(folder.path, "x.wal");
  const file = openLogFile(path);
  const texts = ["a\n", "ü🦙\n", "x".repeat(9_000_000), "\n", "é".repeat(5_000_000), "end\n"];
  let expected = "";
  for (const text of texts) {
    expect(file.write(text)).toBe(Buffer.byteLength(text));
    expected += text;
    expect(contentOf(path) === expected).toBe(true);
  }
  file.sync();
  file.close();
  expect(contentOf(path) === expected).toBe(true);
});

test("another process sees what was written although the writer was killed at once", () => {
  using folder = temporaryFolder();
  const path = join(folder.path, "x.wal");
  const script = `import { openLogFile } from ${JSON.stringify(join(import.meta.dir, "log-file.ts"))};
    openLogFile(${JSON.stringify(path)}).write("kept\\n");
    process.kill(process.pid, "SIGKILL");`;
  expect(Bun.spawnSync([process.execPath, "-e", script]).signalCode).toBe("SIGKILL");
  expect(contentOf(path)).toBe("kept\n");
});

test("a file that is there already is not written over", () => {
  using folder = temporaryFolder();
  folder.write("x.wal", "earlier");
  expect(() => openLogFile(join(folder.path, "x.wal"))).toThrow("EEXIST");
});
