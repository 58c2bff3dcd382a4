import { describe, expect, test } from "bun:test";
import { chatFeatures } from "intellirouter/plugin";
import { backends } from "./backends.ts";
import { features } from "./features.ts";
import { makeProvider, runMatrix } from "./matrix.ts";

const cells = await runMatrix();

test("every feature has a case, and every case is another feature", () => {
  expect(features.map(({ feature }) => feature).sort()).toEqual([...chatFeatures].sort());
});

describe("nothing is lost without a word", () => {
  for (const { backend, ingress, feature, verdict, notes } of cells) {
    if (verdict === "absent") continue;
    test(`${ingress} → ${backend}: ${feature} (${verdict})`, () => {
      expect([verdict, ...notes]).not.toContain("silent");
    });
  }
});

describe("what a provider declares of itself is so", () => {
  for (const backend of backends) {
    test(backend.name, async () => {
      const { fidelity = {} } = await makeProvider(backend, []);
      const declared: Record<string, string> = Object.fromEntries(
        chatFeatures.map((feature) => [feature, fidelity[feature] ?? "full"]),
      );
      const found: Record<string, string> = Object.fromEntries(
        cells.filter((cell) => cell.backend === backend.name && cell.ingress === "chat")
          .map(({ feature, verdict }) => [feature, verdict]),
      );
      expect(declared).toEqual(found);
    });
  }
});
