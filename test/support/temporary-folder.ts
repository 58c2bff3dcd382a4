import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/** A folder with these files that is removed when it goes out of scope: `using folder = temporaryFolder({ … })`. */
export function temporaryFolder(
  files: Readonly<Record<string, string>> = {},
): Disposable & { readonly path: string; write(name: string, text: string): string } {
  const path = mkdtempSync(join(tmpdir(), "intellirouter-test-"));
  const write = (name: string, text: string): string => {
    const target = join(path, name);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, text);
    return target;
  };
  for (const [name, text] of Object.entries(files)) write(name, text);
  return { path, write, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}
