/**
 * The backend of every benchmark: a process of its own that answers as cheaply as it can.
 *
 *   bun bench/support/upstream.ts     prints its port
 */
const answer = JSON.stringify({
  id: "chatcmpl-bench",
  object: "chat.completion",
  created: 1_700_000_000,
  model: "bench",
  choices: [{
    index: 0,
    message: { role: "assistant", content: "x".repeat(700), refusal: null },
    logprobs: null,
    finish_reason: "stop",
  }],
  usage: { prompt_tokens: 200, completion_tokens: 175, total_tokens: 375 },
});

const encoder = new TextEncoder();

function chunk(delta: object, finish: string | null): string {
  return `data: ${
    JSON.stringify({
      id: "chatcmpl-bench",
      object: "chat.completion.chunk",
      created: 1_700_000_000,
      model: "bench",
      choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }],
    })
  }\n\n`;
}

const opener = encoder.encode(chunk({ role: "assistant", content: "" }, null));
const closer = encoder.encode(chunk({}, "stop") + "data: [DONE]\n\n");

/** Options travel in the model's name: `chunks=50,size=20,pause=2`. */
function options(model: string) {
  const read = (name: string, fallback: number) =>
    Number(model.match(new RegExp(`${name}=(\\d+)`))?.[1] ?? fallback);
  return { chunks: read("chunks", 50), size: read("size", 20), pauseMs: read("pause", 0) };
}

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  idleTimeout: 255,
  async fetch(request) {
    if (request.method === "GET") {
      return Response.json({
        object: "list",
        data: [{ id: "bench", object: "model", created: 0, owned_by: "bench" }],
      });
    }
    const text = await request.text();
    if (!text.includes('"stream":true')) {
      return new Response(answer, { headers: { "content-type": "application/json" } });
    }
    const { chunks, size, pauseMs } = options(text.match(/"model":"([^"]*)"/)?.[1] ?? "");
    const piece = encoder.encode(chunk({ content: "y".repeat(size) }, null));
    let sent = 0;
    const body = new ReadableStream({
      async pull(controller) {
        if (sent === 0) controller.enqueue(opener);
        if (pauseMs > 0) await Bun.sleep(pauseMs);
        if (sent++ < chunks) return controller.enqueue(piece);
        controller.enqueue(closer);
        controller.close();
      },
    });
    return new Response(body, { headers: { "content-type": "text/event-stream" } });
  },
});

console.log(server.port);
export {};
