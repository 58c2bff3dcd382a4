/**
 * The floor: the least that a proxy on this stack can do. Hono, one route, the request's bytes on to the backend, the
 * response's bytes back.
 *
 *   bun bench/support/pass-through.ts UPSTREAM     prints its port
 */
import { Hono } from "hono";

const upstream = process.argv[2]!;
const app = new Hono();
app.post("/v1/chat/completions", async (context) => {
  const response = await fetch(`${upstream}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: await context.req.text(),
    signal: context.req.raw.signal,
  });
  return new Response(response.body, {
    headers: { "content-type": response.headers.get("content-type") ?? "application/json" },
  });
});

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  idleTimeout: 255,
  fetch: app.fetch,
  development: false,
});
console.log(server.port);
