import { expect, test } from "bun:test";
import OpenAI from "openai";
import { streamMutations } from "../support/stream-mutations.ts";
import { throughGateway } from "../support/through-gateway.ts";

/** What the official client makes of a stream, with its helper that puts the pieces together. */
async function understood(body: string) {
  const client = new OpenAI({
    apiKey: "sk-test",
    baseURL: "http://localhost/v1",
    maxRetries: 0,
    fetch: () => Promise.resolve(new Response(body, { headers: { "content-type": "text/event-stream" } })),
  });
  const stream = client.chat.completions.stream({ model: "m", messages: [{ role: "user", content: "Hi" }] });
  const { message, finish_reason: finish } = (await stream.finalChatCompletion()).choices[0]!;
  return { message, finish };
}

for (const { name, body, expected } of streamMutations) {
  if (expected === "fails") continue;
  test(`the official client understands a mended stream: ${name}`, async () => {
    const { texts } = throughGateway(new TextEncoder().encode(body));
    const sent = [...texts, "[DONE]"].map((text) => `data: ${text}\n\n`).join("");
    const { message, finish } = await understood(sent);
    expect(finish).toBe(expected.finish as never);
    expect(message.content ?? "").toBe(expected.content ?? "");
    const calls = (message.tool_calls ?? []).map((call) => {
      expect(call.type).toBe("function");
      return call.type === "function"
        ? { name: call.function.name, arguments: call.function.arguments }
        : undefined;
    });
    expect(calls).toEqual([...expected.calls ?? []]);
  });
}

test("the official client does not understand the worst of them as they are", async () => {
  for (const name of ["tool index starting at 1", "role never sent", "index missing", "empty data"]) {
    const { body } = streamMutations.find((mutation) => mutation.name === name)!;
    expect([name, await understood(body).then(() => "understood", () => "failed")]).toEqual([name, "failed"]);
  }
});
