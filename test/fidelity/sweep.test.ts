import { describe, expect, test } from "bun:test";
import { chat } from "./sweep/chat.ts";
import { messages } from "./sweep/messages.ts";
import { sweep } from "./sweep/sweep.ts";

for (const protocol of [chat, messages]) {
  describe(`every field of ${protocol.request}`, async () => {
    const { cases, problems } = await sweep(protocol);

    test("arrives, or is told to be lost, or is refused", () => {
      expect(cases.length).toBeGreaterThan(100);
      expect(problems).toEqual([]);
    });
  });
}
