import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type StreamMutation, streamMutations } from "../support/stream-mutations.ts";
import { aiSdkReader } from "./javascript/ai-sdk.ts";
import { aiSdkAnthropic, aiSdkCompatible, aiSdkOpenAi } from "./javascript/ai-sdk-providers.ts";
import { anthropicReaders } from "./javascript/anthropic.ts";
import { langChainReader } from "./javascript/langchain.ts";
import { openAiReaders } from "./javascript/openai.ts";
import { openAi4, openAi6, openAi7 } from "./javascript/openai-majors.ts";
import {
  type ForeignClient,
  pythonAnthropic,
  pythonOpenAi,
  runForeignClient,
  rustAsyncOpenAi,
} from "./support/foreign-client.ts";
import { modelOf, startHostileWorld } from "./support/hostile-world.ts";
import { type ObservedStream, parsedArguments, type StreamReader } from "./support/observed-stream.ts";
import type { World } from "./support/world.ts";

let world: World;
beforeAll(async () => (world = await startHostileWorld()));
afterAll(() => world.stop());

/** Either what the client read, or the error that it showed its user. Stumbles of its own code do not come here. */
type Outcome = { readonly saw: ObservedStream } | { readonly error: string };

function judge({ expected }: StreamMutation, outcome: Outcome): void {
  if (expected === "fails") return expect(outcome).toHaveProperty("error");
  const calls = (expected.calls ?? []).map((call) => ({
    ...call,
    arguments: parsedArguments(call.arguments),
  }));
  const wanted = { content: expected.content ?? "", calls, finish: expected.finish };
  // Of a call that the limit has cut off, clients make what they like.
  const isCut = expected.finish === "length" && calls.length > 0;
  expect(outcome).toEqual({ saw: isCut ? { ...wanted, calls: expect.anything() } : wanted });
}

const readers: readonly StreamReader[] = [
  ...openAiReaders(openAi4),
  ...openAiReaders(openAi6),
  ...openAiReaders(openAi7),
  aiSdkReader(aiSdkOpenAi),
  aiSdkReader(aiSdkCompatible),
  langChainReader,
  ...anthropicReaders,
  aiSdkReader(aiSdkAnthropic),
];

for (const reader of readers) {
  describe(reader.name, () => {
    for (const mutation of streamMutations) {
      test(mutation.name, async () => {
        const { origin } = world.gateway;
        const outcome = await reader.read(origin, world.key, `cloud/${modelOf(mutation)}`).then(
          (saw): Outcome => ({ saw }),
          (error): Outcome => {
            if (!reader.isClean(error)) throw error;
            return { error: String(error) };
          },
        );
        judge(mutation, outcome);
      });
    }
  });
}

interface ForeignLine {
  readonly reader: string;
  readonly model: string;
  readonly saw?: ObservedStream;
  readonly error?: string;
  /** An error that its users are not meant to see. */
  readonly stumble?: string;
}

const foreignClients: readonly (readonly [client: ForeignClient, readers: readonly string[]])[] = [
  [pythonOpenAi, ["openai for Python, piece by piece", "openai for Python, by its helper"]],
  [pythonAnthropic, ["anthropic for Python, event by event", "anthropic for Python, by its helper"]],
  [rustAsyncOpenAi, ["async-openai for Rust"]],
];

for (const [client, names] of foreignClients) {
  describe(client.name, () => {
    let lines: ForeignLine[];
    beforeAll(async () => {
      const models = streamMutations.map((mutation) => `cloud/${modelOf(mutation)}`);
      lines = await runForeignClient<ForeignLine>(client, world, "mutations", models);
    });
    for (const name of names) {
      for (const mutation of streamMutations) {
        test(`${name}: ${mutation.name}`, () => {
          const model = `cloud/${modelOf(mutation)}`;
          const line = lines.find((one) => one.reader === name && one.model === model);
          if (line === undefined) throw new Error("nothing was reported");
          if (line.stumble !== undefined) throw new Error(line.stumble);
          judge(mutation, line.saw === undefined ? { error: line.error! } : { saw: line.saw });
        });
      }
    }
  });
}
