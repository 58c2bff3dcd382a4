import type { ChatCompletionChunk } from "intellirouter/plugin";
import { EventReader } from "../../src/plugin/api/wire/event-frames.ts";
import { ChatChunkNormaliser } from "../../src/gateway/normalise/chat-chunk-normaliser.ts";

export interface StreamOutcome {
  readonly texts: readonly string[];
  readonly failure: unknown;
}

/** The bytes as a backend sends them → what the client gets. */
export function throughGateway(
  body: Uint8Array,
  cuts: readonly number[] = [],
  includeUsage = true,
): StreamOutcome {
  const reader = new EventReader<ChatCompletionChunk>();
  const normaliser = new ChatChunkNormaliser({
    includeUsage,
    forcedModel: undefined,
    fallbackId: "req_1",
    fallbackModel: "m",
    created: 1_700_000_000,
  });
  const texts: string[] = [];
  try {
    let start = 0;
    for (const end of [...cuts, body.length]) {
      for (const frame of reader.feed(body.subarray(start, end))) normaliser.push(frame, texts);
      start = end;
      if (reader.failure !== undefined) throw reader.failure;
      if (reader.done) break;
    }
    if (!reader.done) { for (const frame of reader.end()) normaliser.push(frame, texts); }
    if (reader.failure !== undefined) throw reader.failure;
    normaliser.finish(texts);
    return { texts, failure: undefined };
  } catch (error) {
    return { texts, failure: error };
  }
}
