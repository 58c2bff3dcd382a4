import { messageMutations } from "../../support/message-mutations.ts";
import { streamMutations } from "../../support/stream-mutations.ts";
import type { ObservedStream } from "./observed-stream.ts";
import { parsedArguments } from "./observed-stream.ts";
import { startWorld, type World } from "./world.ts";

/** A stream that breaks the rules of its protocol, and what a client must nevertheless read. */
export interface BrokenStream {
  readonly name: string;
  /** The model that the backend sends it as. */
  readonly upstreamModel: string;
  /** The model that clients ask for. */
  readonly model: string;
  readonly body: string;
  readonly expected: ObservedStream | "fails";
  /** The limit cut a call off; clients make of its arguments what they like. */
  readonly isCut: boolean;
}

/** Of a backend that speaks OpenAI's protocol. */
export const brokenChats: readonly BrokenStream[] = streamMutations.map(({ name, body, expected }, index) => {
  const upstreamModel = `mutation-${index}`;
  const stream = { name, upstreamModel, model: `cloud/${upstreamModel}`, body };
  if (expected === "fails") return { ...stream, expected, isCut: false };
  const { content = "", calls = [], finish } = expected;
  const parsed = calls.map((call) => ({ ...call, arguments: parsedArguments(call.arguments) }));
  const isCut = finish === "length" && calls.length > 0;
  return { ...stream, expected: { content, calls: parsed, finish }, isCut };
});

const finishes: Readonly<Record<string, string>> = {
  end_turn: "stop",
  max_tokens: "length",
  tool_use: "tool_calls",
};

/** Of a backend that speaks Anthropic's protocol itself. */
export const brokenMessages: readonly BrokenStream[] = messageMutations.map(
  ({ name, body, expected }, index) => {
    const upstreamModel = `message-mutation-${index}`;
    const stream = { name, upstreamModel, model: `native/${upstreamModel}`, body };
    if (expected === "fails") return { ...stream, expected, isCut: false };
    const { content = "", calls = [], stop } = expected;
    const parsed = calls.map(({ name: called, input }) => ({ name: called, arguments: input }));
    const isCut = stop === "max_tokens" && calls.length > 0;
    return { ...stream, expected: { content, calls: parsed, finish: finishes[stop] }, isCut };
  },
);

/** The gateway before a backend that breaks the streaming protocols in every way that is known. */
export async function startHostileWorld(): Promise<World> {
  const world = await startWorld();
  for (const { upstreamModel, body } of [...brokenChats, ...brokenMessages]) {
    world.upstream.on(upstreamModel, (_call, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.end(body);
    });
  }
  return world;
}
