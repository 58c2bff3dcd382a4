import { existsSync, type FSWatcher, readFileSync, watch } from "node:fs";
import { dirname } from "node:path";
import type { Clock, TimerHandle } from "../lib/clock.ts";

/** Writers often write in several steps; a change is looked at after this much quiet, in milliseconds. */
const quietMs = 100;

export interface WatchOptions {
  readonly file: string;
  readonly clock: Clock;
  /** Called when the file's content is another one than before. */
  readonly onChange: () => void;
}

/**
 * Watches a configuration file. It is the folder that is watched: editors and Kubernetes replace the file, or the
 * link that leads to it, and a watch on the file itself would stay with the old one.
 *
 * @returns a function that stops watching.
 */
export function watchSettings({ file, clock, onChange }: WatchOptions): () => void {
  let content = read(file);
  let timer: TimerHandle | undefined;
  const look = () => {
    timer = undefined;
    const current = read(file);
    if (current === content || current === undefined) return;
    content = current;
    onChange();
  };
  let watcher: FSWatcher | undefined;
  try {
    watcher = watch(dirname(file), () => {
      if (timer !== undefined) clock.clearTimeout(timer);
      timer = clock.setTimeout(look, quietMs);
    });
    watcher.on("error", () => {});
    watcher.unref();
  } catch {
    // Some file systems cannot be watched; SIGHUP still works there.
  }
  return () => {
    if (timer !== undefined) clock.clearTimeout(timer);
    watcher?.close();
  };
}

function read(file: string): string | undefined {
  try {
    return existsSync(file) ? readFileSync(file, "utf8") : undefined;
  } catch {
    return undefined;
  }
}
