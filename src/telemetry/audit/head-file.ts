import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from "node:fs";
import type { AuditHead } from "./audit-chain.ts";
import type { HeadKeeper } from "./audit-log.ts";

/** The head of the audit log in a file of its own, replaced as a whole. */
export function headFile(path: string): HeadKeeper {
  return {
    read: () => {
      try {
        const { count, hash } = JSON.parse(readFileSync(path, "utf8")) as AuditHead;
        return { count, hash };
      } catch {
        return undefined;
      }
    },
    write: ({ count, hash }) => {
      const fresh = `${path}.new`;
      const file = openSync(fresh, "w", 0o600);
      try {
        writeSync(file, `${JSON.stringify({ count, hash })}\n`);
        fsyncSync(file);
      } finally {
        closeSync(file);
      }
      renameSync(fresh, path);
    },
  };
}
