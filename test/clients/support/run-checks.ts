import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type CheckName, checkNames, judge, type Report } from "./checks.ts";
import { type ForeignClient, foreignClientMs, runForeignClient } from "./foreign-client.ts";
import { startWorld, type World } from "./world.ts";

/** A client that runs in this process. Each check either gives what was seen, or is a reason why the client cannot do it. */
export type Client = Record<CheckName, ((world: World) => Promise<unknown>) | { readonly cannot: string }>;

export function testClient(name: string, client: Client): void {
  describe(name, () => {
    let world: World;
    beforeAll(async () => (world = await startWorld()));
    afterAll(() => world.stop());
    for (const check of checkNames) {
      const run = client[check];
      if (typeof run !== "function") continue;
      test(check, async () => judge(check, await run(world), world));
    }
    test("what it cannot do has a reason", () => {
      for (const check of checkNames) {
        const run = client[check];
        if (typeof run !== "function") expect([check, run.cannot.length > 20]).toEqual([check, true]);
      }
    });
  });
}

type ForeignReport = (Report | { readonly failed: string }) & { readonly check: string };

/** A client that runs in a process of its own. What it does not report has failed. */
export function testForeignClient(client: ForeignClient): void {
  describe(client.name, () => {
    let world: World;
    let reports: ForeignReport[];
    beforeAll(async () => {
      world = await startWorld();
      reports = await runForeignClient<ForeignReport>(client, world, "checks");
    }, foreignClientMs);
    afterAll(() => world.stop());
    for (const check of checkNames) {
      test(check, async () => {
        const report = reports.find((one) => one.check === check);
        if (report === undefined) throw new Error(`${client.name} reported nothing about "${check}"`);
        if ("failed" in report) throw new Error(report.failed);
        if ("cannot" in report) return expect(report.cannot.length).toBeGreaterThan(20);
        await judge(check, report.saw, world);
      });
    }
    test("it reports nothing that nobody asked for", () => {
      expect(reports.map(({ check }) => check).toSorted()).toEqual(checkNames.toSorted());
    });
  });
}
