import type { ChatCompletionChunk, Usage } from "intellirouter/plugin";

/** What all pieces of one answer have in common. */
export interface ChunkHead {
  readonly id: string;
  readonly model: string;
  /** Seconds since the epoch. */
  readonly created: number;
}

type Choice = ChatCompletionChunk["choices"][number];

/** A piece of the only choice. */
export function deltaChunk(
  head: ChunkHead,
  delta: Choice["delta"],
  finish: Choice["finish_reason"] = null,
): ChatCompletionChunk {
  return {
    ...head,
    object: "chat.completion.chunk",
    choices: [{ index: 0, delta, finish_reason: finish }],
  };
}

/** The last piece, which counts tokens. */
export function usageChunk(head: ChunkHead, usage: Usage): ChatCompletionChunk {
  return { ...head, object: "chat.completion.chunk", choices: [], usage };
}
