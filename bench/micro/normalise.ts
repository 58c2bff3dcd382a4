/** What one piece of a stream costs: bytes → frame → checked text. Run it with `bun bench/micro/normalise.ts`. */
import { bench, run, summary } from "mitata";
import type { ChatCompletionChunk } from "intellirouter/plugin";
import { EventReader } from "../../src/plugin/api/wire/event-frames.ts";
import { ChatChunkNormaliser } from "../../src/gateway/normalise/chat-chunk-normaliser.ts";

const pieces = 1_000;
const options = {
  includeUsage: false,
  forcedModel: undefined,
  fallbackId: "req_1",
  fallbackModel: "m",
  created: 1_700_000_000,
};

function chunk(delta: Record<string, unknown>, finish: string | null = null): ChatCompletionChunk {
  return {
    id: "chatcmpl-CkT0qWb1Jm6yJd7aXz2v9o3e",
    object: "chat.completion.chunk",
    created: 1_700_000_000,
    model: "gpt-4o-mini-2024-07-18",
    service_tier: "default",
    system_fingerprint: "fp_0392822090",
    choices: [{ index: 0, delta, logprobs: null, finish_reason: finish as null }],
  };
}

const deltas: Readonly<Record<string, Record<string, unknown>>> = {
  "faultless text": { content: " token" },
  "reasoning under one name": { reasoning_content: " token" },
  "arguments of a call": { tool_calls: [{ index: 0, function: { arguments: ' "x' } }] },
};
const call = { index: 0, id: "call_1", type: "function", function: { name: "f", arguments: "" } };

for (const [name, delta] of Object.entries(deltas)) {
  const opening = {
    role: "assistant",
    content: null,
    ...("tool_calls" in delta ? { tool_calls: [call] } : {}),
  };
  const stream = [chunk(opening), ...Array.from({ length: pieces }, () => chunk(delta))];
  const frames = stream.map((value) => ({ chunk: value, text: JSON.stringify(value) }));
  const events = frames.map(({ text }) => new TextEncoder().encode(`data: ${text}\n\n`));
  summary(() => {
    bench(`${name}: parse alone, ${pieces} pieces`, () => {
      for (const { text } of frames) JSON.parse(text);
    });
    bench(`${name}: check, ${pieces} pieces`, () => {
      const normaliser = new ChatChunkNormaliser(options);
      const out: string[] = [];
      for (const frame of frames) normaliser.push(frame, out);
      return out;
    });
    bench(`${name}: read, parse and check, ${pieces} pieces`, () => {
      const reader = new EventReader<ChatCompletionChunk>();
      const normaliser = new ChatChunkNormaliser(options);
      const out: string[] = [];
      for (const bytes of events) for (const frame of reader.feed(bytes)) normaliser.push(frame, out);
      return out;
    });
  });
}

await run();
