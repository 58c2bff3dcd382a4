import { generateText, jsonSchema, Output } from "ai";
import { expect, test } from "bun:test";
import { aiSdkClient } from "./javascript/ai-sdk.ts";
import { aiSdkAnthropic } from "./javascript/ai-sdk-providers.ts";
import { question, reportSchema } from "./support/fixtures.ts";
import { testClient } from "./support/run-checks.ts";
import { callsOf } from "./support/scenarios.ts";
import { startWorld } from "./support/world.ts";

testClient(aiSdkAnthropic.name, aiSdkClient(aiSdkAnthropic));

test("of a model that it does not know it asks for structure by a tool, which the gateway translates", async () => {
  const world = await startWorld();
  const { output } = await generateText({
    model: aiSdkAnthropic.model(world.gateway.origin, world.key, "cloud/structured"),
    prompt: question,
    maxOutputTokens: 1000,
    output: Output.object({ schema: jsonSchema(reportSchema as never) }),
  });
  await world.stop();
  expect(output).toEqual({ city: "Oslo", degrees: 7 });
  expect(callsOf(world.upstream, "structured")[0]!.body.tool_choice).toBeDefined();
});
