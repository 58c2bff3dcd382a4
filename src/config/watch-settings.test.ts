import { expect, test } from "bun:test";
import { renameSync, symlinkSync, unlinkSync } from "node:fs";
import { FakeClock } from "../../test/support/fake-clock.ts";
import { temporaryFolder } from "../../test/support/temporary-folder.ts";
import { watchSettings } from "./watch-settings.ts";

/** A clock that tells when a timer is set: the moment at which a change of the file has come through. */
class WatchedClock extends FakeClock {
  #waiting: (() => void) | undefined;

  changeArrived(): Promise<void> {
    return new Promise((resolve) => this.#waiting = resolve);
  }

  override setTimeout(callback: () => void, milliseconds: number) {
    const handle = super.setTimeout(callback, milliseconds);
    this.#waiting?.();
    return handle;
  }
}

function watched(file: string) {
  const clock = new WatchedClock();
  let changes = 0;
  const stop = watchSettings({ file, clock, onChange: () => changes++ });
  return {
    clock,
    get changes() {
      return changes;
    },
    [Symbol.dispose]: stop,
  };
}

test("new content is told once it has been quiet for a moment", async () => {
  using folder = temporaryFolder({ "a.toml": "one" });
  using watcher = watched(`${folder.path}/a.toml`);
  const arrived = watcher.clock.changeArrived();
  folder.write("a.toml", "two");
  await arrived;
  expect(watcher.changes).toBe(0);
  await watcher.clock.advance(1_000);
  expect(watcher.changes).toBe(1);
});

test("a file that is written anew with the same content is no change", async () => {
  using folder = temporaryFolder({ "a.toml": "one" });
  using watcher = watched(`${folder.path}/a.toml`);
  const arrived = watcher.clock.changeArrived();
  folder.write("a.toml", "one");
  await arrived;
  await watcher.clock.advance(1_000);
  expect(watcher.changes).toBe(0);
});

test("a replaced file is seen, as editors do it", async () => {
  using folder = temporaryFolder({ "a.toml": "one", "new": "two" });
  using watcher = watched(`${folder.path}/a.toml`);
  const arrived = watcher.clock.changeArrived();
  renameSync(`${folder.path}/new`, `${folder.path}/a.toml`);
  await arrived;
  await watcher.clock.advance(1_000);
  expect(watcher.changes).toBe(1);
});

test("a replaced link in front of the folder is seen, as Kubernetes does it", async () => {
  using folder = temporaryFolder({ "v1/a.toml": "one", "v2/a.toml": "two" });
  symlinkSync("v1", `${folder.path}/..data`);
  symlinkSync("..data/a.toml", `${folder.path}/a.toml`);
  using watcher = watched(`${folder.path}/a.toml`);
  const arrived = watcher.clock.changeArrived();
  symlinkSync("v2", `${folder.path}/..next`);
  renameSync(`${folder.path}/..next`, `${folder.path}/..data`);
  await arrived;
  await watcher.clock.advance(1_000);
  expect(watcher.changes).toBe(1);
});

test("a file that is gone for a moment is no change", async () => {
  using folder = temporaryFolder({ "a.toml": "one" });
  using watcher = watched(`${folder.path}/a.toml`);
  const arrived = watcher.clock.changeArrived();
  unlinkSync(`${folder.path}/a.toml`);
  await arrived;
  await watcher.clock.advance(1_000);
  expect(watcher.changes).toBe(0);
});
