/**
 * Backends that think before they call tools, and refuse the next turn unless they get back what they thought, as the real ones do. Each
 * speaks its vendor's wire.
 */

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

/** Anthropic's Messages API, with the errors that it really gives. */
export function startClaude(): ThinkingBackend {
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch(request) {
      if (request.headers.get("x-api-key") !== "backend-key") {
        return claudeError(401, "authentication_error", "invalid x-api-key");
      }
      const { messages, stream } = await request.json() as {
        messages: { role: string; content: Loose[] | string }[];
        stream?: boolean;
      };
      const second = messages.length > 1;
      if (second) {
        const complaint = complaintAbout(messages);
        if (complaint !== undefined) return claudeError(400, "invalid_request_error", complaint);
      }
      const content: readonly Loose[] = second ? [{ type: "text", text: "Rain." }] : claudeTurn;
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
  return { origin: `http://127.0.0.1:${server.port}`, stop: () => void server.stop(true) };
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
