import { expect, test } from "bun:test";
import { FakeClock } from "../../test/support/fake-clock.ts";
import { LineWriter } from "./line-writer.ts";
import { Logger } from "./logger.ts";

function capture(format: "json" | "pretty", level: "debug" | "info" | "silent" = "info") {
  let text = "";
  const logger = new Logger({ level, format, now: () => 0, write: (line) => (text += line) });
  return { logger, text: () => text };
}

test("a JSON line holds time, level, message and every field", () => {
  const { logger, text } = capture("json");
  logger.with({ role: "router" }).warn("careful", {
    port: 8000,
    error: new Error("broken"),
    nothing: undefined,
  });
  expect(JSON.parse(text())).toEqual({
    time: "1970-01-01T00:00:00.000Z",
    level: "warn",
    message: "careful",
    role: "router",
    port: 8000,
    error: "broken",
  });
});

test("lines below the level are not written", () => {
  const { logger, text } = capture("json");
  logger.debug("hidden");
  expect(text()).toBe("");
  expect([logger.writes("debug"), logger.writes("error")]).toEqual([false, true]);
  const silent = capture("json", "silent");
  silent.logger.error("hidden");
  expect(silent.text()).toBe("");
});

test("foreign text cannot draw a line of its own", () => {
  for (const format of ["json", "pretty"] as const) {
    const { logger, text } = capture(format);
    logger.info("request", { path: "/x\n2026 error forged", escape: "\u001b[31m" });
    expect(text().split("\n")).toHaveLength(2);
    expect(text()).not.toContain("\u001b");
  }
});

test("lines are gathered and written together, and at once when asked", async () => {
  const clock = new FakeClock();
  const writes: string[] = [];
  const writer = new LineWriter((text) => writes.push(text), clock);
  writer.write("a\n");
  writer.write("b\n");
  expect(writes).toEqual([]);
  await clock.advance(50);
  expect(writes).toEqual(["a\nb\n"]);
  writer.write("c\n");
  writer.flush();
  writer.flush();
  expect(writes).toEqual(["a\nb\n", "c\n"]);
  expect(clock.pending).toBe(0);
});
