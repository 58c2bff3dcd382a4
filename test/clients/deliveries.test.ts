/** Faultless and broken-off streams, carried in every way that a connection can carry them. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { ServerResponse } from "node:http";
import { setImmediate } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { completion } from "../support/upstream.ts";
import { piece, sse } from "../support/stream-mutations.ts";
import { aiSdkReader } from "./javascript/ai-sdk.ts";
import { aiSdkAnthropic, aiSdkCompatible, aiSdkOpenAi } from "./javascript/ai-sdk-providers.ts";
import { anthropicReaders } from "./javascript/anthropic.ts";
import { langChainReader } from "./javascript/langchain.ts";
import { openAiReaders } from "./javascript/openai.ts";
import { openAi4, openAi6, openAi7 } from "./javascript/openai-majors.ts";
import type { StreamReader } from "./support/observed-stream.ts";
import { startWorld, type World } from "./support/world.ts";

const content = "Grüße \u{1F600} 你好";
const body = sse(
  piece({ role: "assistant", content: "" }),
  piece({ content }),
  piece({}, "stop"),
  "data: [DONE]\n\n",
);
const eventStream = { "content-type": "text/event-stream" };

interface Delivery {
  readonly name: string;
  readonly send: (response: ServerResponse) => void | Promise<void>;
  readonly fails?: boolean;
}

async function inPieces(response: ServerResponse, parts: Iterable<Uint8Array | string>): Promise<void> {
  for (const part of parts) {
    response.write(part);
    await setImmediate();
  }
}

const half = body.slice(0, body.indexOf("Gr") + 20);

const deliveries: readonly Delivery[] = [
  {
    name: "byte by byte",
    async send(response) {
      response.writeHead(200, eventStream);
      await inPieces(response, Array.from(Buffer.from(body), (byte) => Uint8Array.of(byte)));
      response.end();
    },
  },
  {
    name: "compressed",
    send: (response) =>
      void response.writeHead(200, { ...eventStream, "content-encoding": "gzip" }).end(gzipSync(body)),
  },
  {
    name: "with its length",
    send: (response) =>
      void response.writeHead(200, { ...eventStream, "content-length": String(Buffer.byteLength(body)) }).end(
        body,
      ),
  },
  {
    name: "as a character set of its own",
    send: (response) =>
      void response.writeHead(200, { "content-type": "text/event-stream; charset=UTF-8" }).end(body),
  },
  {
    name: "as plain text",
    send: (response) => void response.writeHead(200, { "content-type": "text/plain" }).end(body),
  },
  { name: "without a type", send: (response) => void response.writeHead(200).end(body) },
  {
    name: "as JSON that it is not",
    send: (response) => void response.writeHead(200, { "content-type": "application/json" }).end(body),
    fails: true,
  },
  {
    name: "whole although pieces were asked for",
    send(response) {
      const message = { role: "assistant", content };
      const choices = [{ index: 0, message, finish_reason: "stop" }];
      response.writeHead(200, { "content-type": "application/json" });
      response.end(JSON.stringify(completion("m", { choices }), null, 2));
    },
  },
  {
    name: "over a connection that stays open",
    send: (response) => void response.writeHead(200, eventStream).write(body),
  },
  { name: "empty", send: (response) => void response.writeHead(200, eventStream).end(), fails: true },
  { name: "without content", send: (response) => void response.writeHead(204).end(), fails: true },
  {
    name: "shorter than it was announced",
    async send(response) {
      response.writeHead(200, { ...eventStream, "content-length": String(Buffer.byteLength(body)) });
      await inPieces(response, [half]);
      response.destroy();
    },
    fails: true,
  },
  {
    name: "compressed and cut off",
    async send(response) {
      response.writeHead(200, { ...eventStream, "content-encoding": "gzip" });
      await inPieces(response, [gzipSync(body).subarray(0, -20)]);
      response.end();
    },
    fails: true,
  },
  {
    name: "compressed in name only",
    send: (response) =>
      void response.writeHead(200, { ...eventStream, "content-encoding": "gzip" }).end(body),
    fails: true,
  },
];

let world: World;
beforeAll(async () => {
  world = await startWorld();
  deliveries.forEach(({ send }, index) =>
    world.upstream.on(`delivery-${index}`, (_call, response) => send(response))
  );
});
afterAll(() => world.stop());

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
    deliveries.forEach(({ name, fails }, index) => {
      test(name, async () => {
        const model = `cloud/delivery-${index}`;
        const outcome = await reader.read(world.gateway.origin, world.key, model).then(
          (saw) => ({ saw }),
          (error) => {
            if (!reader.isClean(error)) throw error;
            return { error };
          },
        );
        if (fails) return expect(outcome).toHaveProperty("error");
        expect(outcome).toEqual({ saw: { content, calls: [], finish: "stop" } });
      });
    });
  });
}
