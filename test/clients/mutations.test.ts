import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { aiSdkReader } from "./javascript/ai-sdk.ts";
import { aiSdkAnthropic, aiSdkCompatible, aiSdkOpenAi } from "./javascript/ai-sdk-providers.ts";
import { anthropicReaders } from "./javascript/anthropic.ts";
import { langChainReader } from "./javascript/langchain.ts";
import { openAiReaders } from "./javascript/openai.ts";
import { openAi4, openAi6, openAi7 } from "./javascript/openai-majors.ts";
import {
  type ForeignClient,
  foreignClientMs,
  pythonAnthropic,
  pythonOpenAi,
  runForeignClient,
  rustAsyncOpenAi,
} from "./support/foreign-client.ts";
import {
  brokenChats,
  brokenMessages,
  type BrokenStream,
  startHostileWorld,
} from "./support/hostile-world.ts";
import type { ObservedStream, StreamReader } from "./support/observed-stream.ts";
import type { World } from "./support/world.ts";

let world: World;
beforeAll(async () => (world = await startHostileWorld()));
afterAll(() => world.stop());

/** Either what the client read, or the error that it showed its user. Stumbles of its own code do not come here. */
type Outcome = { readonly saw: ObservedStream } | { readonly error: string };

function judge({ expected, isCut }: BrokenStream, outcome: Outcome): void {
  if (expected === "fails") return expect(outcome).toHaveProperty("error");
  expect(outcome).toEqual({ saw: isCut ? { ...expected, calls: expect.anything() } : expected });
}

const chatReaders: readonly StreamReader[] = [
  ...openAiReaders(openAi4),
  ...openAiReaders(openAi6),
  ...openAiReaders(openAi7),
  aiSdkReader(aiSdkOpenAi),
  aiSdkReader(aiSdkCompatible),
  langChainReader,
];
const messageReaders: readonly StreamReader[] = [...anthropicReaders, aiSdkReader(aiSdkAnthropic)];

function testReader(title: string, reader: StreamReader, streams: readonly BrokenStream[]): void {
  describe(title, () => {
    for (const stream of streams) {
      test(stream.name, async () => {
        const outcome = await reader.read(world.gateway.origin, world.key, stream.model).then(
          (saw): Outcome => ({ saw }),
          (error): Outcome => {
            if (!reader.isClean(error)) throw error;
            return { error: String(error) };
          },
        );
        judge(stream, outcome);
      });
    }
  });
}

for (const reader of [...chatReaders, ...messageReaders]) testReader(reader.name, reader, brokenChats);
// The AI SDK refuses what it does not know. Were that taken out, clients that know it would not get it either.
const unknownToAiSdk = ["an unknown event", "an unknown piece of a text"];
for (const reader of messageReaders) {
  const readable = brokenMessages.filter(({ name }) => !unknownToAiSdk.includes(name));
  const streams = reader.name === aiSdkAnthropic.name ? readable : brokenMessages;
  testReader(`${reader.name}, of a native backend`, reader, streams);
}

interface ForeignLine {
  readonly reader: string;
  readonly model: string;
  readonly saw?: ObservedStream;
  readonly error?: string;
  /** An error that its users are not meant to see. */
  readonly stumble?: string;
}

function testForeignReaders(
  client: ForeignClient,
  readers: readonly string[],
  streams: readonly BrokenStream[],
): void {
  describe(client.name, () => {
    let lines: ForeignLine[];
    beforeAll(async () => {
      const models = streams.map(({ model }) => model);
      lines = await runForeignClient<ForeignLine>(client, world, "mutations", models);
    }, foreignClientMs);
    for (const reader of readers) {
      for (const stream of streams) {
        test(`${reader}: ${stream.name} (${stream.model})`, () => {
          const line = lines.find((one) => one.reader === reader && one.model === stream.model);
          if (line === undefined) throw new Error("nothing was reported");
          if (line.stumble !== undefined) throw new Error(line.stumble);
          judge(stream, line.saw === undefined ? { error: line.error! } : { saw: line.saw });
        });
      }
    }
  });
}

testForeignReaders(
  pythonOpenAi,
  ["openai for Python, piece by piece", "openai for Python, by its helper"],
  brokenChats,
);
testForeignReaders(
  pythonAnthropic,
  ["anthropic for Python, event by event", "anthropic for Python, by its helper"],
  [...brokenChats, ...brokenMessages],
);
testForeignReaders(rustAsyncOpenAi, ["async-openai for Rust"], brokenChats);
