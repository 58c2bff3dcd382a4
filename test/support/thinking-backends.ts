/**
 * Backends that think before they call tools, and refuse the next turn unless they get back what they thought, as the real ones do. Each
 * speaks its vendor's wire.
 */

import { EventStreamCodec } from "@smithy/eventstream-codec";
import { fromUtf8, toUtf8 } from "@smithy/util-utf8";

export interface ThinkingBackend {
  readonly origin: string;
  stop(): void;
}

type Loose = Readonly<Record<string, unknown>>;

// A signature is opaque, and may hold anything that base64 can.
const signature =
  "EqQBCkgIARABGAIiQL2UoU0b1OHYi+yCHpBY7U6FQW8/FcoLewocJQPa2HnmLM+NECy50y44F/kD4SULFXi57buI9fAvyBwtyjlOiO0SDE3+r3spdg6PLOo9PBoMma2ku5OTAoR46j9VIjDRlvNmBvff7YW4WI9oU8XagaOBSxLPxElrhyuxppEn7m6bfT40dqBSTDrfiw4FYB4qEPETTI6TA6wtjGAAqmFqKTo=";
const redacted =
  "EmwKAhgBEgy3va3pzix/LafPsn4aDFIT2Xlxh0L5L8rLVyIwxtE3rAFBa8cr3qpPkNRj2YfWXGmKDxH4mPnZ5sQ7vB9dwLmj";

const claudeTurn = [
  { type: "thinking", thinking: "Let me look.", signature },
  { type: "redacted_thinking", data: redacted },
  { type: "text", text: "I will look." },
  { type: "tool_use", id: "toolu_01A", name: "weather", input: { city: "Oslo" } },
  { type: "tool_use", id: "toolu_01B", name: "weather", input: { city: "Rome" } },
] as const;

/** A question to which Claude thinks between its steps (the beta of interleaved thinking). */
export const stepByStep = "Weather, step by step?";

const laterSignature = signature.replace("EqQBCkgI", "EuYBCkgI");

/** Text on both sides of a thought, and a thought between two calls. */
const interleavedTurn = [
  { type: "thinking", thinking: "Let me look.", signature },
  { type: "text", text: "First Oslo. " },
  { type: "thinking", thinking: "Then Rome, too.", signature: laterSignature },
  { type: "redacted_thinking", data: redacted },
  { type: "text", text: "Then Rome – 🌧." },
  { type: "tool_use", id: "toolu_01A", name: "weather", input: { city: "Oslo" } },
  { type: "thinking", thinking: "Now the other.", signature },
  { type: "tool_use", id: "toolu_01B", name: "weather", input: { city: "Rome" } },
] as const;

function isStepByStep(messages: readonly { readonly content: unknown }[]): boolean {
  return JSON.stringify(messages[0]?.content).includes(stepByStep);
}

/** The real one compares thoughts alone; here every block must stand where it stood. */
function complaintAboutOrder(given: unknown, expected: readonly object[]): string | undefined {
  if (Bun.deepEquals(given, expected)) return undefined;
  return "messages.1.content: `thinking` or `redacted_thinking` blocks in the latest assistant message cannot be modified. " +
    `These blocks must remain as they were in the original response: ${JSON.stringify(given)}`;
}

/** Anthropic's Messages API, with the errors that it really gives. */
export function startClaude(): ThinkingBackend & {
  /** The body of the last request, as it came. */
  readonly lastText: () => string;
} {
  let lastText = "";
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch(request) {
      if (request.headers.get("x-api-key") !== "backend-key") {
        return claudeError(401, "authentication_error", "invalid x-api-key");
      }
      lastText = await request.text();
      const { messages, stream } = JSON.parse(lastText) as {
        messages: { role: string; content: Loose[] | string }[];
        stream?: boolean;
      };
      const second = messages.length > 1;
      if (second) {
        const complaint = isStepByStep(messages)
          ? complaintAboutOrder(messages[1]!.content, interleavedTurn)
          : complaintAbout(messages);
        if (complaint !== undefined) return claudeError(400, "invalid_request_error", complaint);
      }
      const content: readonly Loose[] = second
        ? [{ type: "text", text: "Rain." }]
        : isStepByStep(messages)
        ? interleavedTurn
        : claudeTurn;
      const message = {
        id: "msg_01XFDUDYJgAACzvnptvVoYEL",
        type: "message",
        role: "assistant",
        model: "claude-sonnet-4-5-20250929",
        content,
        stop_reason: second ? "end_turn" : "tool_use",
        stop_sequence: null,
        usage: {
          input_tokens: 40,
          cache_creation_input_tokens: 0,
          cache_read_input_tokens: 0,
          output_tokens: 90,
          service_tier: "standard",
        },
      };
      return stream === true ? claudeStream(message) : Response.json(message);
    },
  });
  return {
    origin: `http://127.0.0.1:${server.port}`,
    lastText: () => lastText,
    stop: () => void server.stop(true),
  };
}

function complaintAbout(
  messages: readonly { role: string; content: Loose[] | string }[],
): string | undefined {
  const [, assistant, user] = messages;
  const blocks = assistant?.content;
  if (assistant?.role !== "assistant" || !Array.isArray(blocks)) {
    return "messages.1: the assistant's turn is missing";
  }
  if (blocks[0]?.type !== "thinking") {
    return "messages.1.content.0.type: Expected `thinking` or `redacted_thinking`, but found `" +
      String(blocks[0]?.type) + "`.";
  }
  if (blocks[0].signature !== signature || blocks[0].thinking !== "Let me look.") {
    return "messages.1.content.0: Invalid `signature` in `thinking` block";
  }
  if (blocks[1]?.type !== "redacted_thinking" || blocks[1].data !== redacted) {
    return "messages.1.content.1: Invalid `data` in `redacted_thinking` block";
  }
  const ids = blocks.filter(({ type }) => type === "tool_use").map(({ id }) => id);
  const answered = Array.isArray(user?.content)
    ? user.content.filter(({ type }) => type === "tool_result").map((block) => block.tool_use_id)
    : [];
  const missing = ids.filter((id) => !answered.includes(id));
  return missing.length === 0 && ids.length === 2
    ? undefined
    : `messages.2: \`tool_use\` ids were found without \`tool_result\` blocks immediately after: ${
      missing.join(", ")
    }.`;
}

function claudeError(status: number, type: string, message: string): Response {
  return Response.json({ type: "error", error: { type, message }, request_id: "req_011" }, { status });
}

function claudeStream(
  message: Loose & { readonly content: readonly Loose[]; readonly usage: Loose },
): Response {
  const events: Loose[] = [{
    type: "message_start",
    message: { ...message, content: [], stop_reason: null, usage: { ...message.usage, output_tokens: 1 } },
  }];
  message.content.forEach((block, index) => {
    const delta = (value: Loose) => events.push({ type: "content_block_delta", index, delta: value });
    const start = (value: Loose) => events.push({ type: "content_block_start", index, content_block: value });
    switch (block.type) {
      case "thinking":
        start({ type: "thinking", thinking: "", signature: "" });
        for (const piece of String(block.thinking).split(/(?<= )/)) {
          delta({ type: "thinking_delta", thinking: piece });
        }
        delta({ type: "signature_delta", signature: block.signature });
        break;
      case "text":
        start({ type: "text", text: "" });
        for (const piece of String(block.text).split(/(?<= )/)) delta({ type: "text_delta", text: piece });
        break;
      case "tool_use":
        start({ ...block, input: {} });
        delta({ type: "input_json_delta", partial_json: "" });
        for (const piece of JSON.stringify(block.input).split(/(?<=:)/)) {
          delta({ type: "input_json_delta", partial_json: piece });
        }
        break;
      default:
        start(block);
    }
    events.push({ type: "content_block_stop", index });
  });
  events.push(
    {
      type: "message_delta",
      delta: { stop_reason: message.stop_reason, stop_sequence: null },
      usage: { output_tokens: 90 },
    },
    { type: "message_stop" },
  );
  const text = events.map((event) => `event: ${String(event.type)}\ndata: ${JSON.stringify(event)}\n\n`).join(
    "",
  );
  return new Response(text, { headers: { "content-type": "text/event-stream; charset=utf-8" } });
}

const thoughtSignature =
  "CpMCAdHtim9uEsM8PJXh0bRmkLYWJ8w3Qf7Jq6sM1bGv5o0k9tQm2c4xYwZ1aNfR8uKpVtLhSgDeXyBqIrOjCnMlAzPwTfEvUiHkGb==";

/** Google's Gemini API: the first call of a turn carries a signature of what was thought, and the next turn needs it. */
export function startGemini(): ThinkingBackend {
  const turn = [
    { text: "Let me look.", thought: true },
    { functionCall: { name: "weather", args: { city: "Oslo" } }, thoughtSignature },
    { functionCall: { name: "weather", args: { city: "Rome" } } },
  ];
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch(request) {
      if (request.headers.get("x-goog-api-key") !== "backend-key") {
        return Response.json({
          error: { code: 400, message: "API key not valid.", status: "INVALID_ARGUMENT" },
        }, { status: 400 });
      }
      const { contents } = await request.json() as { contents: { role: string; parts: Loose[] }[] };
      const second = contents.length > 1;
      if (second) {
        const calls = contents[1]!.parts.filter(({ functionCall }) => functionCall !== undefined);
        const results = contents[2]?.parts.filter(({ functionResponse }) => functionResponse !== undefined) ??
          [];
        const complaint = calls[0]?.thoughtSignature !== thoughtSignature
          ? "Function call is missing a thought_signature in functionCall parts. This is required for tools to work correctly."
          : calls.length !== 2 || results.length !== 2
          ? "Please ensure that the number of function response parts is equal to the number of function call parts of the function call turn."
          : undefined;
        if (complaint !== undefined) {
          return Response.json({ error: { code: 400, message: complaint, status: "INVALID_ARGUMENT" } }, {
            status: 400,
          });
        }
      }
      const parts: readonly Loose[] = second ? [{ text: "Rain." }] : turn;
      const usageMetadata = {
        promptTokenCount: 40,
        candidatesTokenCount: 30,
        thoughtsTokenCount: 60,
        totalTokenCount: 130,
      };
      const about = { usageMetadata, modelVersion: "gemini-3-pro-preview", responseId: "r1" };
      const answer = (some: readonly Loose[], end: boolean) => ({
        candidates: [{
          content: { role: "model", parts: some },
          index: 0,
          ...(end ? { finishReason: "STOP" } : {}),
        }],
        ...about,
      });
      if (!new URL(request.url).pathname.endsWith(":streamGenerateContent")) {
        return Response.json(answer(parts, true));
      }
      const events = [...parts.map((part) => answer([part], false)), answer([{ text: "" }], true)];
      const text = events.map((event) => `data: ${JSON.stringify(event)}\r\n\r\n`).join("");
      return new Response(text, { headers: { "content-type": "text/event-stream" } });
    },
  });
  return { origin: `http://127.0.0.1:${server.port}`, stop: () => void server.stop(true) };
}

const codec = new EventStreamCodec(toUtf8, fromUtf8);

/** Blocks of Claude's in the words of the Converse API. */
function asConverse(block: (typeof interleavedTurn)[number]): Loose {
  switch (block.type) {
    case "thinking":
      return { reasoningContent: { reasoningText: { text: block.thinking, signature: block.signature } } };
    case "redacted_thinking":
      return { reasoningContent: { redactedContent: block.data } };
    case "text":
      return { text: block.text };
    case "tool_use":
      return { toolUse: { toolUseId: block.id, name: block.name, input: block.input } };
  }
}

/** Bedrock's Converse API with a Claude model behind it. */
export function startBedrock(): ThinkingBackend {
  const turn = [
    { reasoningContent: { reasoningText: { text: "Let me look.", signature } } },
    { toolUse: { toolUseId: "tooluse_A", name: "weather", input: { city: "Oslo" } } },
    { toolUse: { toolUseId: "tooluse_B", name: "weather", input: { city: "Rome" } } },
  ];
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch(request) {
      if (request.headers.get("authorization") !== "Bearer backend-key") {
        return Response.json({ message: "The security token included in the request is invalid." }, {
          status: 403,
        });
      }
      const { messages } = await request.json() as { messages: { content: Loose[] }[] };
      const second = messages.length > 1;
      const interleaved = isStepByStep(messages);
      if (second && interleaved) {
        const complaint = complaintAboutOrder(messages[1]!.content, interleavedTurn.map(asConverse));
        if (complaint !== undefined) {
          const headers = { "x-amzn-errortype": "ValidationException" };
          return Response.json({ message: complaint }, { status: 400, headers });
        }
      } else if (second) {
        const [first] = messages[1]!.content as { reasoningContent?: { reasoningText?: Loose } }[];
        const given = first?.reasoningContent?.reasoningText;
        const results = messages[2]?.content.filter(({ toolResult }) => toolResult !== undefined) ?? [];
        if (given?.signature !== signature || given.text !== "Let me look." || results.length !== 2) {
          const message =
            "The model returned the following errors: messages.1.content.0: Expected `thinking` with its `signature`";
          return Response.json({ message }, {
            status: 400,
            headers: { "x-amzn-errortype": "ValidationException" },
          });
        }
      }
      const content: readonly Loose[] = second
        ? [{ text: "Rain." }]
        : interleaved
        ? interleavedTurn.map(asConverse)
        : turn;
      const stopReason = second ? "end_turn" : "tool_use";
      const usage = { inputTokens: 40, outputTokens: 90, totalTokens: 130 };
      if (!new URL(request.url).pathname.endsWith("/converse-stream")) {
        return Response.json({
          output: { message: { role: "assistant", content } },
          stopReason,
          usage,
          metrics: { latencyMs: 5 },
        });
      }
      const events: [string, object][] = [["messageStart", { role: "assistant" }]];
      content.forEach((block, contentBlockIndex) => {
        const delta = (value: object) =>
          events.push(["contentBlockDelta", { contentBlockIndex, delta: value }]);
        const { reasoningContent, toolUse, text } = block as {
          reasoningContent?: {
            reasoningText?: { text: string; signature: string };
            redactedContent?: string;
          };
          toolUse?: { toolUseId: string; name: string; input: object };
          text?: string;
        };
        if (toolUse !== undefined) {
          const { toolUseId, name, input } = toolUse;
          events.push(["contentBlockStart", { contentBlockIndex, start: { toolUse: { toolUseId, name } } }]);
          delta({ toolUse: { input: JSON.stringify(input) } });
        } else if (reasoningContent !== undefined) {
          const { reasoningText, redactedContent } = reasoningContent;
          if (reasoningText === undefined) delta({ reasoningContent: { redactedContent } });
          else {
            delta({ reasoningContent: { text: reasoningText.text } });
            delta({ reasoningContent: { signature: reasoningText.signature } });
          }
        } else delta({ text });
        events.push(["contentBlockStop", { contentBlockIndex }]);
      });
      events.push(["messageStop", { stopReason }], ["metadata", { usage, metrics: { latencyMs: 5 } }]);
      const header = (value: string) => ({ type: "string" as const, value });
      const frames = events.map(([type, payload]) =>
        codec.encode({
          headers: {
            ":event-type": header(type),
            ":content-type": header("application/json"),
            ":message-type": header("event"),
          },
          body: fromUtf8(JSON.stringify(payload)),
        })
      );
      return new Response(Buffer.concat(frames), {
        headers: { "content-type": "application/vnd.amazon.eventstream" },
      });
    },
  });
  return { origin: `http://127.0.0.1:${server.port}`, stop: () => void server.stop(true) };
}
