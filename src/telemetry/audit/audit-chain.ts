import { createHash } from "node:crypto";
import { canonicalJson } from "../../lib/canonical-json.ts";
import type { AuditEntry } from "../../schema/telemetry-event.ts";

/** Where the chain ends. Kept apart from it, it shows that nothing was cut off. */
export interface AuditHead {
  /** Entries, which is also the sequence of the last. */
  readonly count: number;
  readonly hash: string;
}

/** What the first entry names as the hash before it. */
export const emptyHead: AuditHead = { count: 0, hash: "0".repeat(64) };

/** The hash of an entry that comes after another. */
export function hashOf(entry: Omit<AuditEntry, "hash">): string {
  return createHash("sha256").update(entry.previous_hash).update("\n").update(canonicalJson(entry)).digest(
    "hex",
  );
}

export interface AuditVerdict {
  readonly ok: boolean;
  readonly entries: number;
  /** Where the chain ends now. */
  readonly head: AuditHead;
  readonly problems: readonly string[];
}

const mostProblems = 20;

/**
 * Goes over the whole chain: every entry must follow from the one before, none may be missing, and the chain must reach every head that was
 * once seen.
 *
 * @param heads by where they were kept.
 */
export function verifyChain(
  entries: Iterable<AuditEntry>,
  heads: ReadonlyMap<string, AuditHead>,
): AuditVerdict {
  const problems: string[] = [];
  const expected = new Map([...heads].map(([place, head]) => [place, { ...head, met: head.count === 0 }]));
  let head = emptyHead;
  for (const entry of entries) {
    if (entry.sequence !== head.count + 1) {
      problems.push(`entry ${head.count + 1} is missing: ${entry.sequence} follows ${head.count}`);
    }
    const { hash, ...content } = entry;
    if (entry.previous_hash !== head.hash) {
      problems.push(`entry ${entry.sequence} does not follow the one before it`);
    } else if (hashOf(content) !== hash) problems.push(`entry ${entry.sequence} was changed`);
    head = { count: entry.sequence, hash };
    for (const one of expected.values()) {
      if (one.count === entry.sequence) one.met = one.hash === hash;
    }
  }
  for (const [place, one] of expected) {
    if (one.met) continue;
    problems.push(
      one.count > head.count
        ? `the log ends at entry ${head.count}, but ${place} has seen entry ${one.count}: the end was cut off`
        : `entry ${one.count} is another than the one that ${place} has seen`,
    );
  }
  return { ok: problems.length === 0, entries: head.count, head, problems: problems.slice(0, mostProblems) };
}
