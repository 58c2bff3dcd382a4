import { describe, expect, test } from "bun:test";
import { FakeClock, settle } from "../../test/support/fake-clock.ts";
import { ShutdownCoordinator } from "./shutdown-coordinator.ts";

function setUp(options: { drainDelayMs?: number; graceMs?: number } = {}) {
  const clock = new FakeClock();
  const errors: string[] = [];
  const coordinator = new ShutdownCoordinator({
    clock,
    drainDelayMs: options.drainDelayMs ?? 0,
    graceMs: options.graceMs ?? 1_000,
    onError: (name) => errors.push(name),
  });
  return { clock, coordinator, errors };
}

describe("shutdown", () => {
  test("closes in reverse order of registration, one after the other", async () => {
    const { coordinator } = setUp();
    const closed: string[] = [];
    for (const name of ["store", "gateway", "listener"]) {
      coordinator.register(name, async () => {
        closed.push(`${name} begins`);
        await settle();
        closed.push(`${name} ends`);
      });
    }
    expect(await coordinator.shutdown()).toBe("clean");
    expect(closed).toEqual([
      "listener begins",
      "listener ends",
      "gateway begins",
      "gateway ends",
      "store begins",
      "store ends",
    ]);
  });

  test("announces at once and closes only after the drain delay", async () => {
    const { clock, coordinator } = setUp({ drainDelayMs: 500 });
    let closed = false;
    coordinator.register("listener", () => {
      closed = true;
    });
    const done = coordinator.shutdown();
    expect(coordinator.announced.aborted).toBe(true);
    await clock.advance(499);
    expect(closed).toBe(false);
    await clock.advance(1);
    expect(closed).toBe(true);
    expect(await done).toBe("clean");
  });

  test("many owners may await the end, before and after it", async () => {
    const { coordinator } = setUp();
    const before = [coordinator.waitForCompletion(), coordinator.waitForCompletion()];
    await coordinator.shutdown();
    expect(await Promise.all([...before, coordinator.waitForCompletion()])).toEqual([
      "clean",
      "clean",
      "clean",
    ]);
  });

  test("gives up when the grace is over, and tells the running closers", async () => {
    const { clock, coordinator } = setUp({ graceMs: 1_000 });
    let told = false;
    coordinator.register("stuck", (forced) => {
      forced.addEventListener("abort", () => (told = true));
      return new Promise(() => {});
    });
    const done = coordinator.shutdown();
    await settle();
    await clock.advance(1_000);
    expect(told).toBe(true);
    await clock.advance(1_000);
    expect(await done).toBe("forced");
  });

  test("what comes after the stuck one is still closed when the grace is over", async () => {
    const { clock, coordinator } = setUp({ graceMs: 1_000 });
    const closed: string[] = [];
    coordinator.register("log", () => void closed.push("log"));
    coordinator.register(
      "listener",
      (forced) => new Promise((resolve) => forced.addEventListener("abort", () => resolve())),
    );
    const done = coordinator.shutdown();
    await settle();
    await clock.advance(1_000);
    expect(await done).toBe("forced");
    expect(closed).toEqual(["log"]);
  });

  test("a second request cuts it short", async () => {
    const { clock, coordinator } = setUp();
    coordinator.register("stuck", () => new Promise(() => {}));
    void coordinator.shutdown();
    await settle();
    const done = coordinator.shutdown();
    await clock.advance(1_000);
    expect(await done).toBe("forced");
    expect(coordinator.forced.aborted).toBe(true);
  });

  test("one subsystem's failure does not keep the others open", async () => {
    const { coordinator, errors } = setUp();
    let closed = false;
    coordinator.register("first", () => {
      closed = true;
    });
    coordinator.register("broken", () => Promise.reject(new Error("cannot close")));
    expect(await coordinator.shutdown()).toBe("failed");
    expect(closed).toBe(true);
    expect(errors).toEqual(["broken"]);
  });

  test("a withdrawn registration is not closed", async () => {
    const { coordinator } = setUp();
    const withdraw = coordinator.register("ended", () => {
      throw new Error("must not be called");
    });
    withdraw();
    expect(await coordinator.shutdown()).toBe("clean");
  });

  test("leaves no timer behind", async () => {
    const { clock, coordinator } = setUp();
    await coordinator.shutdown();
    expect(clock.pending).toBe(0);
  });
});
