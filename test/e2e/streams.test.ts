import { afterAll, beforeAll, expect, test } from "bun:test";
import { chunk, event, startStream, startUpstream, type Upstream } from "../support/upstream.ts";
import { type Gateway, startGateway, until } from "./support/gateway.ts";

const streams = 1_000;

let upstream: Upstream;
let gateway: Gateway;

beforeAll(async () => {
  upstream = await startUpstream();
  gateway = await startGateway({ config: configuration() });
});

afterAll(async () => {
  await gateway.stop();
  await upstream.close();
});

function configuration(): string {
  return `
[[providers]]
name = "cloud"
kind = "openai-compatible"
base_url = "${upstream.url}"
list_models = false
[logging]
access = false
`;
}

function ask(model: string, signal?: AbortSignal, origin = gateway.origin): Promise<Response> {
  return fetch(`${origin}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      model: `cloud/${model}`,
      stream: true,
      messages: [{ role: "user", content: "Hi" }],
    }),
    ...(signal === undefined ? {} : { signal }),
  });
}

/** Bun's test process has the same limit of 256 calls that the gateway lifts for itself; node:http has none. */
async function askFreely(model: string, origin = gateway.origin): Promise<string> {
  const { request } = await import("node:http");
  return await new Promise((resolve, reject) => {
    const call = request(`${origin}/v1/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      agent: false,
    }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (piece: string) => (text += piece)).on(
        "end",
        () => resolve(text),
      ).on("error", reject);
    });
    call.on("error", reject);
    call.end(
      JSON.stringify({ model: `cloud/${model}`, stream: true, messages: [{ role: "user", content: "Hi" }] }),
    );
  });
}

function textOf(stream: string): string {
  return stream.split("\n\n").filter((part) => part.startsWith("data: {"))
    .map((part) => JSON.parse(part.slice(6)).choices?.[0]?.delta?.content ?? "").join("");
}

test("1,000 streams at once finish whole, and none waits for another", async () => {
  const allOpen = Promise.withResolvers<void>();
  let open = 0;
  upstream.on("gate", async ({ body }, response) => {
    startStream(response);
    response.write(event(chunk(body.model, { role: "assistant", content: "a" })));
    // Nobody gets any further before every one of them is here: with a limit below that this would never end.
    if (++open === streams) allOpen.resolve();
    await allOpen.promise;
    for (let index = 0; index < 20; index++) {
      response.write(event(chunk(body.model, { content: String(index % 10) })));
    }
    response.end(event(chunk(body.model, {}, "stop")) + event("[DONE]"));
  });
  const answers = await Promise.all(Array.from({ length: streams }, () => askFreely("gate")));
  const whole = answers.filter((text) =>
    textOf(text) === "a01234567890123456789" && text.endsWith("data: [DONE]\n\n")
  );
  expect(whole).toHaveLength(streams);
}, 60_000);

test("pieces arrive one by one, each as soon as the backend sends it", async () => {
  const release: (() => void)[] = [];
  upstream.on("stepwise", async ({ body }, response) => {
    startStream(response);
    for (const content of ["one", "two", "three"]) {
      response.write(
        event(chunk(body.model, { ...(content === "one" ? { role: "assistant" } : {}), content })),
      );
      await new Promise<void>((resolve) => release.push(resolve));
    }
    response.end(event(chunk(body.model, {}, "stop")) + event("[DONE]"));
  });
  const reader = (await ask("stepwise")).body!.getReader();
  for (const [index, content] of ["one", "two", "three"].entries()) {
    const { value } = await reader.read();
    expect(textOf(new TextDecoder().decode(value))).toBe(content);
    await until(() => release.length > index);
    release[index]!();
  }
  let rest = "";
  for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
    rest += new TextDecoder().decode(piece.value);
  }
  expect(rest).toEndWith("data: [DONE]\n\n");
});

test("a faultless stream passes byte for byte", async () => {
  const frames = [
    event(chunk("exact", { role: "assistant", content: "" })),
    'data: {"id":"chatcmpl-upstream","object":"chat.completion.chunk","created":1700000000,"model":"exact","odd":  [1, 2],"choices":[{"index":0,"delta":{"content":"ünï 🦙"},"logprobs":null,"finish_reason":null}]}\n\n',
    event(chunk("exact", {}, "stop")),
    "data: [DONE]\n\n",
  ];
  upstream.on("exact", (_call, response) => {
    startStream(response);
    response.end(frames.join(""));
  });
  expect(await (await ask("exact")).text()).toBe(frames.join(""));
});

test("a request that needs nothing of the gateway's passes byte for byte but for the model's name", async () => {
  const write = (model: string) =>
    `{ "model":"${model}","temperature":1.0,\n"messages":[{"role":"user","content":"caf\\u00e9"}],"seed":12345678901234567890,` +
    `"stream":true, "stream_options": {"include_usage": true}}`;
  for (const name of ["normal", "caf\u00e9"]) {
    const response = await fetch(`${gateway.origin}/v1/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: write(`cloud/${name}`),
    });
    await response.text();
    expect([response.status, upstream.calls.at(-1)!.text]).toEqual([200, write(name)]);
  }
  // Written so that two readers could disagree about it, it is written anew.
  await (await fetch(`${gateway.origin}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: '{"model":"cloud/other","model":"cloud/normal", "messages":[{"role":"user","content":"Hi"}]}',
  })).text();
  expect(upstream.calls.at(-1)!.text).toBe('{"model":"normal","messages":[{"role":"user","content":"Hi"}]}');
});

test("the backend sees within a second that a client has left", async () => {
  const left = Array.from({ length: 20 }, () => new AbortController());
  const before = upstream.calls.length;
  const answers = await Promise.all(left.map((controller) => ask("hang-mid-stream", controller.signal)));
  await Promise.all(answers.map((answer) => answer.body!.getReader().read()));
  const leftAt = performance.now();
  left.forEach((controller) => controller.abort());
  const calls = upstream.calls.slice(before);
  expect(calls).toHaveLength(20);
  await Promise.all(calls.map((call) => call.aborted));
  expect(performance.now() - leftAt).toBeLessThan(1_000);
});

test("a client that does not read holds the backend back, and memory stays bounded", async () => {
  const total = 64 * 1024 * 1024;
  let sent = 0;
  upstream.on("flood", async (call, response) => {
    const { body } = call;
    startStream(response);
    response.write(event(chunk(body.model, { role: "assistant", content: "" })));
    const piece = event(chunk(body.model, { content: "x".repeat(64 * 1024) }));
    while (sent < total && !response.destroyed) {
      sent += piece.length;
      if (!response.write(piece)) {
        await new Promise<void>((resolve) => {
          response.removeAllListeners("drain").once("drain", resolve);
          call.aborted.then(resolve);
        });
      }
    }
    response.end(event(chunk(body.model, {}, "stop")) + event("[DONE]"));
  });
  const controller = new AbortController();
  const { connect } = await import("node:net");
  const socket = connect(gateway.port, "127.0.0.1");
  const body = JSON.stringify({
    model: "cloud/flood",
    stream: true,
    messages: [{ role: "user", content: "Hi" }],
  });
  socket.pause();
  socket.write(
    `POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1:${gateway.port}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
  );
  await until(() => sent > 0);
  // The backend has stopped when nothing moves any more.
  let last = -1;
  await until(async () => {
    const stopped = sent === last;
    last = sent;
    await Bun.sleep(300);
    return stopped;
  });
  expect(sent).toBeLessThan(total / 2);
  socket.destroy();
  controller.abort();
  await upstream.calls.findLast((call) => call.body?.model === "flood")!.aborted;
}, 30_000);

test("SIGTERM in the middle of 50 streams loses no frame", async () => {
  const own = await startGateway({
    config: `${configuration()}\n[shutdown]\ndrain_delay_ms = 300\ngrace_ms = 20000\n`,
  });
  const goOn = Promise.withResolvers<void>();
  let open = 0;
  upstream.on("drain", async ({ body }, response) => {
    startStream(response);
    response.write(event(chunk(body.model, { role: "assistant", content: "a" })));
    open++;
    await goOn.promise;
    for (let index = 0; index < 50; index++) {
      response.write(event(chunk(body.model, { content: String(index % 10) })));
    }
    response.end(event(chunk(body.model, {}, "stop")) + event("[DONE]"));
  });
  const answers = Promise.all(Array.from({ length: 50 }, () => askFreely("drain", own.origin)));
  await until(() => open === 50);
  own.signal("SIGTERM");
  // Load balancers get to know first, and whoever still comes is served.
  await until(async () => (await fetch(`${own.origin}/readyz`)).status === 503);
  expect((await fetch(`${own.origin}/livez`)).status).toBe(200);
  const late = await (await ask("normal", undefined, own.origin)).text();
  expect(textOf(late)).toBe("Hello from upstream.");
  await until(
    async () => await fetch(`${own.origin}/livez`).then(() => false, () => true),
    "the end of accepting",
  );
  goOn.resolve();
  const expected = `a${"0123456789".repeat(5)}`;
  expect((await answers).filter((text) => textOf(text) === expected && text.endsWith("data: [DONE]\n\n")))
    .toHaveLength(50);
  expect(await own.exited).toBe(0);
}, 60_000);

test("what does not end within the grace is cut, and the exit is clean", async () => {
  const own = await startGateway({ config: `${configuration()}\n[shutdown]\ngrace_ms = 200\n` });
  const reader = (await ask("hang-mid-stream", undefined, own.origin)).body!.getReader();
  await reader.read();
  own.signal("SIGTERM");
  expect(await own.exited).toBe(0);
  expect(own.stderr()).toContain('"outcome":"forced"');
  await reader.read().catch(() => {});
});

test("a second signal ends it at once", async () => {
  const own = await startGateway({ config: configuration() });
  const answer = await ask("hang-mid-stream", undefined, own.origin);
  await answer.body!.getReader().read();
  own.signal("SIGTERM");
  await until(() => own.stderr().includes("stopping"));
  own.signal("SIGTERM");
  expect(await own.exited).toBe(1);
});

test("a stream that the backend lets hang is ended by the idle limit, and the client is told", async () => {
  const own = await startGateway({ config: `${configuration()}\n[routing.timeouts]\nidle_ms = 200\n` });
  const text = await (await ask("hang-mid-stream", undefined, own.origin)).text();
  expect(text).toContain('data: {"error":{"message":');
  expect(text).toContain('"code":"upstream_timeout"');
  expect(text).toEndWith("data: [DONE]\n\n");
  await own.stop();
});

test("a silence is filled with pieces that say nothing", async () => {
  const own = await startGateway({ config: `[server]\nheartbeat_ms = 50\n${configuration()}` });
  const reader = (await ask("hang-mid-stream", undefined, own.origin)).body!.getReader();
  let text = "";
  while (!text.includes('"delta":{}')) text += new TextDecoder().decode((await reader.read()).value);
  expect(text).toContain('"choices":[{"index":0,"delta":{},"finish_reason":null}]');
  await reader.cancel();
  await own.stop();
});
