import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type CheckName, checkNames, judge, type Report } from "./checks.ts";
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

/** A client that runs in a process of its own and reports one line of JSON for each check. */
export function testForeignClient(
  name: string,
  run: (world: World) => Promise<Map<string, Report & { failed?: string }>>,
): void {
  describe(name, () => {
    let world: World;
    let reports: Awaited<ReturnType<typeof run>>;
    beforeAll(async () => {
      world = await startWorld();
      reports = await run(world);
    });
    afterAll(() => world.stop());
    for (const check of checkNames) {
      test(check, async () => {
        const report = reports.get(check);
        if (report === undefined) throw new Error(`${name} reported nothing about "${check}"`);
        if (report.failed !== undefined) throw new Error(report.failed);
        if ("cannot" in report) return expect(report.cannot.length).toBeGreaterThan(20);
        await judge(check, report.saw, world);
      });
    }
    test("it reports nothing that nobody asked for", () => {
      expect([...reports.keys()].filter((check) => !checkNames.includes(check as CheckName))).toEqual([]);
    });
  });
}
