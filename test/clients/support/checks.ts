/**
 * What every client must manage with the gateway between it and a backend. A client reports what it saw, in words that all of them
 * share; here stands what that must be, and what must have reached the backend.
 */
import { expect } from "bun:test";
import { callsOf } from "./scenarios.ts";
import type { World } from "./world.ts";

export interface Check {
  /** What the client is to report. */
  readonly saw: unknown;
  /** What must be true at the backend afterwards. */
  readonly proves?: (world: World) => void | Promise<void>;
}

const greeting = { text: "Hello from upstream.", finish: "stop" };
const oslo = { name: "get_weather", arguments: { city: "Oslo" } };
const rome = { name: "get_weather", arguments: { city: "Rome" } };
const refusal = (status: number, message: string) => ({ status, ofItsClass: true, message });
const counted = { input: 9, output: 5, cached: 4 };

/** Two turns, of which the second has the calls of the first and a result for each. */
function twoTurns(model: string, calls: number, stream: boolean) {
  return ({ upstream }: World) => {
    const turns = callsOf(upstream, model).filter(({ body }) => (body.stream ?? false) === stream);
    expect(turns).toHaveLength(2);
    const roles = turns[1]!.body.messages.map(({ role }: { role: string }) => role);
    expect(roles).toEqual(["user", "assistant", ...Array.from({ length: calls }, () => "tool")]);
  };
}

const wasAborted = (model: string) => async ({ upstream }: World) => {
  const calls = callsOf(upstream, model);
  expect(calls).toHaveLength(1);
  await calls[0]!.aborted;
};

const calledTimes = (model: string, times: number) => ({ upstream }: World) =>
  void expect(callsOf(upstream, model)).toHaveLength(times);

export const checks = {
  chat: { saw: greeting },
  "text of many scripts": { saw: { text: 'Grüße, 你好, \u{1F600}!\n\u2028"quoted"', finish: "stop" } },
  stream: { saw: { ...greeting, pieces: 2 } },
  "tools over two turns": {
    saw: { calls: [oslo], finish: "tool_calls", answer: "Oslo: sunny" },
    proves: twoTurns("weather", 1, false),
  },
  "parallel tools": {
    saw: { calls: [oslo, rome], finish: "tool_calls", answer: "Oslo: sunny, Rome: rain" },
    proves: twoTurns("weather-of-two", 2, false),
  },
  "parallel tools, streamed": {
    saw: { calls: [oslo, rome], finish: "tool_calls", answer: "Oslo: sunny, Rome: rain" },
    proves: twoTurns("weather-of-two", 2, true),
  },
  "structured output": {
    saw: { value: { city: "Oslo", degrees: 7 } },
    proves: ({ upstream }: World) => {
      const { response_format: format } = callsOf(upstream, "structured")[0]!.body;
      expect(format).toMatchObject({
        type: "json_schema",
        json_schema: { schema: { type: "object", required: ["city", "degrees"] } },
      });
    },
  },
  "image input": { saw: { text: "image/png of 70 bytes" } },
  usage: { saw: counted },
  "usage, streamed": { saw: counted },
  reasoning: { saw: { reasoning: "Let me think.", text: "Thought." } },
  "reasoning, streamed": { saw: { reasoning: "Let me think.", text: "Thought." } },
  embeddings: { saw: { vectors: [[0.5, -0.25, 0], [0.5, -0.25, 1]] } },
  models: { saw: { listed: ["cloud/normal", "cloud/org/model:tag"] } },
  "counting tokens": { saw: { counted: true } },
  "request id": { saw: { ofAnswer: true, ofFailure: true } },
  "error 400": { saw: refusal(400, "Bad temperature.") },
  "error 401": { saw: refusal(401, "key") },
  "error 404": { saw: refusal(404, "nowhere/model") },
  "error 429": { saw: refusal(429, "Slow down.") },
  // A broken backend is a bad gateway to the client.
  "error 500": { saw: refusal(502, "Oh no.") },
  "error 503": { saw: refusal(503, "Too busy.") },
  "error before a stream": { saw: refusal(503, "Overloaded.") },
  "error in the middle of a stream": { saw: { text: "Half", failed: true } },
  "connection cut in the middle of a stream": { saw: { text: "Half an ans", failed: true } },
  "leaving while it waits": { saw: { left: true }, proves: wasAborted("hang") },
  "leaving in the middle of a stream": { saw: { left: true }, proves: wasAborted("hang-mid-stream") },
  // The gateway itself tries twice and then tells clients not to.
  "no retry when told": { saw: { status: 503 }, proves: calledTimes("overloaded", 2) },
  "retry after a rate limit": { saw: { text: "At last." }, proves: calledTimes("limited-once", 2) },
} satisfies Record<string, Check>;

export type CheckName = keyof typeof checks;

export const checkNames = Object.keys(checks) as CheckName[];

/** What a client reports of a check: what it saw, or why it cannot do such a thing. */
export type Report = { readonly saw: unknown } | { readonly cannot: string };

/** The messages of refusals need only hold the words; all else must be equal. */
export async function judge(name: CheckName, reported: unknown, world: World): Promise<void> {
  const check: Check = checks[name];
  // Anthropic's protocol has a status of its own for what is 503 elsewhere.
  const { status } = reported as { readonly status?: unknown };
  const saw = status === 529 ? { ...reported as object, status: 503 } : reported;
  const { message } = check.saw as { readonly message?: string };
  if (message === undefined) expect(saw).toEqual(check.saw);
  else expect(saw).toEqual({ ...check.saw as object, message: expect.stringContaining(message) });
  await check.proves?.(world);
}
