/** Endpoints that are handed on unread: moderations, images, audio. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import OpenAI, { toFile } from "openai";
import { type Gateway, startGateway, until } from "./support/gateway.ts";

let gateway: Gateway;
let client: OpenAI;
const seen: {
  path: string;
  model: unknown;
  contentType: string | null;
  bytes?: number;
  authorization: string | null;
}[] = [];
const speech = new Uint8Array(300_000).map((_, index) => index % 256);
let cutSpeech = false;

const backend = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  async fetch(request) {
    const { pathname: path } = new URL(request.url);
    const contentType = request.headers.get("content-type");
    const entry = { path, contentType, authorization: request.headers.get("authorization") };
    if (contentType?.startsWith("multipart/")) {
      const form = await request.formData();
      const file = (form.get("file") ?? form.get("image")) as Blob;
      seen.push({ ...entry, model: form.get("model"), bytes: file.size });
      return path.includes("/images/")
        ? Response.json({ created: 1, data: [{ b64_json: "AA==" }] })
        : Response.json({ text: `heard ${file.size} bytes`, usage: { type: "duration", seconds: 3 } });
    }
    const body = await request.json();
    seen.push({ ...entry, model: body.model });
    if (body.input === "refuse") {
      return Response.json({
        error: { message: "No.", type: "invalid_request_error", param: "input", code: "bad" },
      }, { status: 400 });
    }
    if (path.endsWith("/audio/speech")) {
      return new Response(
        (async function* () {
          yield speech.subarray(0, 100_000);
          if (cutSpeech) throw new Error("cut");
          yield speech.subarray(100_000);
        })() as unknown as BodyInit,
        { headers: { "content-type": "audio/mpeg" } },
      );
    }
    if (path.endsWith("/images/generations")) {
      return Response.json({ created: 1, data: [{ url: "https://h/i.png" }] });
    }
    return Response.json({
      id: "modr-1",
      model: body.model,
      results: [{ flagged: false, categories: {}, category_scores: {} }],
    });
  },
});

beforeAll(async () => {
  gateway = await startGateway({
    config: `
[[providers]]
name = "media"
kind = "openai-compatible"
base_url = "http://127.0.0.1:${backend.port}/v1"
api_key = "backend-key"
list_models = false
forward = ["/moderations", "/images/generations", "/images/edits", "/audio/speech", "/audio/transcriptions"]
[[providers]]
name = "chat-only"
kind = "openai-compatible"
base_url = "http://127.0.0.1:${backend.port}/v1"
list_models = false
[[models]]
id = "omni-moderation-latest"
target = "media/moderator"
[[routes]]
name = "voice"
targets = ["chat-only/x", "media/tts-1"]
`,
  });
  client = new OpenAI({ baseURL: `${gateway.origin}/v1`, apiKey: "client-key", maxRetries: 0 });
});
afterAll(async () => {
  await gateway.stop();
  await backend.stop(true);
});

test("a moderation goes to the model that the protocol means when none is named", async () => {
  const answer = await client.moderations.create({ input: "hello" });
  expect(answer.results[0]!.flagged).toBe(false);
  expect(seen.at(-1)).toMatchObject({
    path: "/v1/moderations",
    model: "moderator",
    authorization: "Bearer backend-key",
  });
});

test("images are made and edited", async () => {
  expect((await client.images.generate({ model: "media/dall-e-3", prompt: "a cat" })).data![0]!.url).toBe(
    "https://h/i.png",
  );
  const image = await toFile(new Uint8Array(50_000), "cat.png", { type: "image/png" });
  expect(
    (await client.images.edit({ image, prompt: "a hat", model: "media/gpt-image-1" })).data![0]!.b64_json,
  ).toBe("AA==");
  expect(seen.at(-1)).toMatchObject({ path: "/v1/images/edits", model: "gpt-image-1", bytes: 50_000 });
});

test("speech comes byte for byte, from the target of a route that has the endpoint", async () => {
  const response = await client.audio.speech.create({ model: "voice", input: "hello", voice: "alloy" });
  expect(response.headers.get("content-type")).toBe("audio/mpeg");
  expect(response.headers.get("x-intellirouter-target")).toBe("media/tts-1");
  expect(Buffer.from(await response.arrayBuffer()).equals(Buffer.from(speech))).toBe(true);
  const decision = response.headers.get("x-intellirouter-decision");
  const record = await (await fetch(`${gateway.origin}/admin/v1/decisions/${decision}`)).json();
  expect(record).toMatchObject({ operation: "/audio/speech", outcome: "ok", target: "media/tts-1" });
  expect(record.candidates).toContainEqual(
    expect.objectContaining({ target: "chat-only/x", removed_by: "operation" }),
  );
});

test("speech that breaks off breaks off for the client, too, and is recorded so", async () => {
  cutSpeech = true;
  const heard = await client.audio.speech.create({ model: "voice", input: "hello", voice: "alloy" })
    .then((response) => response.arrayBuffer())
    .then((bytes) => bytes.byteLength, () => undefined);
  cutSpeech = false;
  expect(heard).toBeUndefined();
  await until(async () => {
    const { data } = await (await fetch(`${gateway.origin}/admin/v1/decisions?limit=1`)).json();
    return data[0].outcome === "truncated" && data[0].error.includes("broke");
  }, "the record");
});

test("a recording is written down, whichever field comes first", async () => {
  const file = () => toFile(new Uint8Array(2_000_000), "speech.wav", { type: "audio/wav" });
  const first = await client.audio.transcriptions.create({ file: await file(), model: "media/whisper-1" });
  const second = await client.audio.transcriptions.create({ model: "media/whisper-1", file: await file() });
  expect([first.text, second.text]).toEqual(["heard 2000000 bytes", "heard 2000000 bytes"]);
  expect(seen.at(-1)!.model).toBe("whisper-1");
});

test("refusals are proper errors", async () => {
  const error = await client.moderations.create({ model: "media/m", input: "refuse" }).catch((thrown) =>
    thrown
  );
  expect(error).toBeInstanceOf(OpenAI.BadRequestError);
  expect([error.code, error.param]).toEqual(["bad", "input"]);
  const missing = await client.audio.translations.create({
    file: await toFile(new Uint8Array(1), "a.wav"),
    model: "media/whisper-1",
  })
    .catch((thrown) => thrown);
  expect(missing.status).toBe(400);
  expect(missing.message).toContain("/audio/translations");
  expect((await client.images.generate({ prompt: "x" } as never).catch((thrown) => thrown)).param).toBe(
    "model",
  );
});

test("a form that is refused while it is sent on is the client's fault alone", async () => {
  const own = await startGateway({
    config: `
[server]
max_body_bytes = 100000
[routing]
breaker = { failures = 1 }
[[providers]]
name = "media"
kind = "openai-compatible"
base_url = "http://127.0.0.1:${backend.port}/v1"
list_models = false
forward = ["/audio/transcriptions"]
`,
  });
  try {
    const form = (bytes: number) => {
      const made = new FormData();
      made.append("model", "media/whisper-1");
      made.append("file", new Blob([new Uint8Array(bytes)]), "a.wav");
      return made;
    };
    // In pieces, so that its length is not announced.
    const post = async (body: FormData) => {
      const whole = new Request("http://h", { method: "POST", body });
      return await fetch(`${own.origin}/v1/audio/transcriptions`, {
        method: "POST",
        headers: { "content-type": whole.headers.get("content-type")! },
        body: whole.body,
        duplex: "half",
      } as RequestInit);
    };
    for (let count = 0; count < 2; count++) {
      const refused = await post(form(300_000));
      expect([refused.status, (await refused.json()).error.code]).toEqual([413, "request_too_large"]);
    }
    expect((await post(form(1_000))).status).toBe(200);
  } finally {
    await own.stop();
  }
});
