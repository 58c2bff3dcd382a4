/** How the backend behaves in the shared checks; the model's name chooses. */
import type { ServerResponse } from "node:http";
import {
  chunk,
  completion,
  errorBody,
  event,
  sendJson,
  startStream,
  type Upstream,
  type UpstreamCall,
} from "../../support/upstream.ts";
import { until } from "../../e2e/support/gateway.ts";

interface Call {
  readonly id: string;
  readonly name: string;
  readonly arguments: string;
}

/** What the model says, before it is known whether as a whole or in pieces. */
interface Answer {
  readonly text?: string;
  readonly reasoning?: string;
  readonly calls?: readonly Call[];
  readonly usage?: Record<string, unknown>;
}

// deno-lint-ignore no-explicit-any -- whatever the gateway sent; a wrong shape becomes a wrong answer.
type Sent = any;

export function installScenarios(upstream: Upstream): void {
  const say = (model: string, answer: (sent: Sent) => Answer) =>
    upstream.on(model, ({ body }, response) => reply(body, answer(body), response));
  say("greeting", () => ({ text: "Hello from upstream." }));
  say("weather", (sent) => askOrTell(sent, ["Oslo"]));
  say("weather-of-two", (sent) => askOrTell(sent, ["Oslo", "Rome"]));
  say("structured", (sent) => inStructure(sent, JSON.stringify({ city: "Oslo", degrees: 7 })));
  say("picture", (sent) => ({ text: describePicture(sent) }));
  say("counted", () => ({
    text: "Counted.",
    usage: {
      prompt_tokens: 9,
      completion_tokens: 5,
      total_tokens: 14,
      prompt_tokens_details: { cached_tokens: 4 },
    },
  }));
  say("thinker", () => ({ reasoning: "Let me think.", text: "Thought." }));
  say("polyglot", () => ({ text: 'Grüße, 你好, \u{1F600}!\n\u2028"quoted"' }));
  // For clients in other processes: answers when the model that the question names has been asked.
  upstream.on("until-called", async ({ body }, response) => {
    await until(() => callsOf(upstream, body.messages[0].content).length > 0, "the call");
    reply(body, { text: "Called." }, response);
  });
  upstream.on("overloaded", (_call, response) => sendJson(response, 503, errorBody("Too busy.")));
  upstream.on("limited-once", (call, response) => {
    if (callsOf(upstream, "limited-once").length > 1) {
      return reply(call.body, { text: "At last." }, response);
    }
    sendJson(response, 429, errorBody("Slow down.", "rate_limit_exceeded"), { "retry-after-ms": "10" });
  });
}

export function callsOf(upstream: Upstream, model: string): UpstreamCall[] {
  return upstream.calls.filter(({ body }) => body?.model === model);
}

/** Calls a tool for each city; with the results at hand, tells them, each found by the id of its call. */
function askOrTell(sent: Sent, cities: readonly string[]): Answer {
  const asked = sent.messages.findLast(({ role }: Sent) => role === "assistant");
  if (asked === undefined) {
    return {
      calls: cities.map((city) => ({
        id: `call_${city.toLowerCase()}`,
        name: "get_weather",
        arguments: JSON.stringify({ city }),
      })),
    };
  }
  const told = asked.tool_calls.map(({ id, function: called }: Sent) => {
    const result = sent.messages.find((message: Sent) =>
      message.role === "tool" && message.tool_call_id === id
    );
    return `${JSON.parse(called.arguments).city}: ${textOf(result?.content)}`;
  });
  return { text: told.join(", ") };
}

/** Some clients ask for structure by a tool that must be called. */
function inStructure(sent: Sent, value: string): Answer {
  const forced = sent.tools?.[0]?.function.name;
  return forced === undefined
    ? { text: value }
    : { calls: [{ id: "call_json", name: forced, arguments: value }] };
}

function textOf(content: Sent): string {
  return Array.isArray(content) ? content.map(({ text }) => text).join("") : String(content);
}

function describePicture(sent: Sent): string {
  const part = sent.messages.at(-1).content.find(({ type }: Sent) => type === "image_url");
  const [, type, data] = /^data:([^;]+);base64,(.*)$/.exec(part?.image_url?.url ?? "") ?? [];
  if (type === undefined) return "no picture";
  return `${type} of ${Buffer.from(data!, "base64").length} bytes`;
}

const usualUsage = { prompt_tokens: 9, completion_tokens: 5, total_tokens: 14 };

function reply(sent: Sent, answer: Answer, response: ServerResponse): void {
  const { text, reasoning, calls = [], usage = usualUsage } = answer;
  const finish = calls.length > 0 ? "tool_calls" : "stop";
  const listed = calls.map(({ id, ...called }) => ({ id, type: "function", function: called }));
  if (!sent.stream) {
    const message = {
      role: "assistant",
      content: text ?? null,
      refusal: null,
      ...(reasoning === undefined ? {} : { reasoning_content: reasoning }),
      ...(calls.length === 0 ? {} : { tool_calls: listed }),
    };
    const choices = [{ index: 0, message, logprobs: null, finish_reason: finish }];
    return sendJson(response, 200, completion(sent.model, { choices, usage }));
  }
  startStream(response);
  const send = (delta: Record<string, unknown>, reason: string | null = null) =>
    void response.write(event(chunk(sent.model, delta, reason)));
  send({ role: "assistant", content: calls.length > 0 ? null : "" });
  for (const piece of halves(reasoning ?? "")) send({ reasoning_content: piece });
  for (const piece of halves(text ?? "")) send({ content: piece });
  listed.forEach((call, index) => {
    send({ tool_calls: [{ index, ...call, function: { name: call.function.name, arguments: "" } }] });
    for (const piece of halves(call.function.arguments)) {
      send({ tool_calls: [{ index, function: { arguments: piece } }] });
    }
  });
  send({}, finish);
  if (sent.stream_options?.include_usage) {
    response.write(event({ ...chunk(sent.model, {}), choices: [], usage }));
  }
  response.end(event("[DONE]"));
}

/** In two pieces, so that putting them together is tested. */
function halves(text: string): string[] {
  const characters = [...text];
  const middle = Math.ceil(characters.length / 2);
  return [characters.slice(0, middle).join(""), characters.slice(middle).join("")].filter((half) =>
    half !== ""
  );
}
