import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { connect } from "node:net";
import { readFileSync } from "node:fs";
import * as zlib from "node:zlib";
import { type Gateway, startGateway } from "./support/gateway.ts";

let gateway: Gateway;
const admin = "the-admin-key-of-these-tests";
const key = "a-developers-key-of-these-tests";

beforeAll(async () => {
  gateway = await startGateway({
    config: '[auth]\nmode = "required"\n[server]\nmax_body_bytes = 1048576\n[discovery]\nmock = "on"\n',
    env: { INTELLIROUTER_ADMIN_KEY: admin, INTELLIROUTER_API_KEYS: key },
  });
});

afterAll(async () => {
  // After all that it still serves, and nothing went wrong inside.
  expect((await chat({ model: "mock-llama", messages: [{ role: "user", content: "Hi" }] })).status).toBe(200);
  expect(gateway.stderr()).not.toContain('"level":"error"');
  await gateway.stop();
});

const chat = (body: unknown, headers: Record<string, string> = {}) =>
  fetch(`${gateway.origin}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${key}`, ...headers },
    body: typeof body === "string" || body instanceof Uint8Array ? body as BodyInit : JSON.stringify(body),
  });

/** Bytes as they are, over a socket of their own; the answers until the server closes or falls silent. */
function raw(text: string | Buffer): Promise<string> {
  return new Promise((resolve) => {
    let answer = "";
    const socket = connect(gateway.port, "127.0.0.1", () => socket.write(text));
    socket.setTimeout(1_500, () => socket.destroy());
    socket.on("data", (piece) => (answer += piece.toString("latin1")));
    socket.on("error", () => {});
    socket.on("close", () => resolve(answer));
  });
}

const statusOf = (answer: string) => Number(answer.match(/^HTTP\/1\.1 (\d+)/)?.[1] ?? 0);

async function expectError(
  response: Response,
  status: number,
  code?: string,
): Promise<{ message: string; param: string | null }> {
  expect(response.status).toBe(status);
  expect(response.headers.get("content-type")).toStartWith("application/json");
  expect(response.headers.get("x-request-id")).toBeTruthy();
  const { error } = await response.json() as { error: Record<string, string | null> };
  expect(Object.keys(error).sort()).toEqual(["code", "message", "param", "type"]);
  if (code !== undefined) expect(error.code).toBe(code);
  return error as never;
}

describe("the Host header", () => {
  const path = "GET /zz/admin/v1/decisions HTTP/1.1\r\n";
  const authorization = `authorization: Bearer ${admin}\r\n`;
  for (
    const [name, head] of Object.entries({
      "with a fragment": `${path}host: a#\r\n`,
      "with a user": `${path}host: u@a\r\n`,
      "with a space": `${path}host: a b\r\n`,
      "that is empty": `${path}host:\r\n`,
      "that is missing": path,
      "that is missing in HTTP/1.0": "GET /zz/admin/v1/decisions HTTP/1.0\r\n",
      "twice": `${path}host: a\r\nhost: b\r\n`,
    })
  ) {
    test(`${name} is refused, and no route is reached`, async () => {
      const answer = await raw(`${head}${authorization}connection: close\r\n\r\n`);
      expect([0, 400]).toContain(statusOf(answer));
      expect(answer).not.toContain('"object":"list"');
    });
  }
});

describe("smuggling", () => {
  const second =
    `GET /admin/v1/decisions HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${admin}\r\n\r\n`;
  for (
    const [name, head, body] of [
      ["length and chunks", "content-length: 5\r\ntransfer-encoding: chunked\r\n", "0\r\n\r\n"],
      ["two encodings", "transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n", "0\r\n\r\n"],
      ["a space before the colon", "transfer-encoding : chunked\r\n", "0\r\n\r\n"],
      ["two lengths", "content-length: 0\r\ncontent-length: 5\r\n", ""],
      ["a signed length", "content-length: +5\r\n", "hello"],
      ["a hexadecimal length", "content-length: 0x5\r\n", "hello"],
      ["a negative length", "content-length: -1\r\n", ""],
      ["a folded header", "x: a\r\n b\r\ncontent-length: 0\r\n", ""],
    ] as const
  ) {
    test(`by ${name} is refused, and what follows is not run`, async () => {
      const answer = await raw(
        `POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\n${head}\r\n${body}${second}`,
      );
      expect(answer).not.toContain('"has_more"');
      expect([0, 400, 401]).toContain(statusOf(answer));
    });
  }
});

test("odd paths get no further than plain ones", async () => {
  for (
    const path of [
      "//admin/v1/decisions",
      "/./admin/v1/decisions",
      "/v1/../admin/v1/decisions",
      "/%61dmin/v1/decisions",
      "/admin%2fv1%2fdecisions",
      "/ADMIN/v1/decisions",
      "/admin/v1/decisions/",
      "/admin/v1/decisions;x",
      "/y\\..\\admin/v1/decisions",
    ]
  ) {
    const answer = await raw(
      `GET ${path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${key}\r\nconnection: close\r\n\r\n`,
    );
    expect([400, 403, 404]).toContain(statusOf(answer));
  }
});

describe("bodies", () => {
  const good = { model: "mock-llama", messages: [{ role: "user", content: "Hi" }] };

  test("too large by their length are refused before they are read", async () => {
    const answer = await raw(
      `POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${key}\r\ncontent-type: application/json\r\ncontent-length: 900000000\r\nconnection: close\r\n\r\n{`,
    );
    expect(statusOf(answer)).toBe(413);
    expect(answer).toContain('"code":"request_too_large"');
  });

  test("too large in chunks, or once decompressed, are refused, and memory stays bounded", async () => {
    const resident = () =>
      Number(readFileSync(`/proc/${gateway.pid}/status`, "utf8").match(/VmRSS:\s+(\d+)/)![1]) / 1024;
    const before = resident();
    const huge = Buffer.from(JSON.stringify({ ...good, padding: "x".repeat(20_000_000) }));
    const stream = new ReadableStream({
      start(controller) {
        for (let index = 0; index < huge.length; index += 65_536) {
          controller.enqueue(huge.subarray(index, index + 65_536));
        }
        controller.close();
      },
    });
    const chunked = await fetch(`${gateway.origin}/v1/chat/completions`, {
      method: "POST",
      body: stream,
      headers: { "content-type": "application/json", authorization: `Bearer ${key}` },
    }).catch(() => undefined);
    if (chunked !== undefined) await expectError(chunked, 413, "request_too_large");
    const zeros = Buffer.alloc(200_000_000);
    for (
      const [encoding, compress] of [["gzip", zlib.gzipSync], ["zstd", zlib.zstdCompressSync], [
        "br",
        (data: Buffer) =>
          zlib.brotliCompressSync(data, { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 1 } }),
      ]] as const
    ) {
      await expectError(
        await chat(new Uint8Array(compress(zeros)), { "content-encoding": encoding }),
        413,
        "request_too_large",
      );
    }
    expect(resident() - before).toBeLessThan(150);
  }, 30_000);

  test("compressed in every known way are read", async () => {
    const bytes = Buffer.from(JSON.stringify(good));
    for (
      const [encoding, compress] of [["gzip", zlib.gzipSync], ["deflate", zlib.deflateSync], [
        "br",
        zlib.brotliCompressSync,
      ], ["zstd", zlib.zstdCompressSync]] as const
    ) {
      expect((await chat(new Uint8Array(compress(bytes)), { "content-encoding": encoding })).status).toBe(
        200,
      );
    }
    await expectError(
      await chat(new Uint8Array(bytes), { "content-encoding": "gzip" }),
      400,
      "invalid_content_encoding",
    );
  });

  test("nested too deeply are refused", async () => {
    for (const depth of [100, 100_000, 500_000]) {
      await expectError(
        await chat(`{"model":"m","messages":${"[".repeat(depth)}${"]".repeat(depth)}}`),
        400,
        "json_too_deep",
      );
    }
  });

  for (
    const [name, text] of Object.entries({
      "cut off": '{"model": "m", "messages": [',
      "empty": "",
      "no JSON": "hello",
      "with NaN": '{"model": "m", "temperature": NaN}',
      "with a comment": '{"model": "m" /* x */}',
      "with something after": '{"model": "m"} trailing',
      "in UTF-16": Buffer.from('{"model":"m"}', "utf16le").toString("latin1"),
    })
  ) {
    test(`that are ${name} are refused with the place`, async () => {
      const error = await expectError(await chat(text), 400, "invalid_json");
      expect(error.message).toMatch(/line \d+, column \d+|empty/);
    });
  }

  for (
    const [name, body, param] of [
      ["no model", { messages: good.messages }, "model"],
      ["no messages", { model: "m" }, "messages"],
      ["messages of the wrong kind", { ...good, messages: { role: "user" } }, "messages"],
      ["an unknown role", { ...good, messages: [{ role: "robot", content: "x" }] }, "messages[0].role"],
      ["a temperature that is a text", { ...good, temperature: "hot" }, "temperature"],
      ["n of 0", { ...good, n: 0 }, "n"],
      ["a list", [], null],
      ["null", null, null],
    ] as const
  ) {
    test(`with ${name} are refused, and the field is named`, async () => {
      expect((await expectError(await chat(body), 400)).param).toBe(param);
    });
  }

  test("with keys that could poison prototypes, doubled keys, odd numbers and lone surrogates do no harm", async () => {
    const { messages, model } = good;
    for (
      const text of [
        `{"__proto__":{"admin":true},"constructor":{"prototype":{"x":1}},"model":"${model}","messages":${
          JSON.stringify(messages)
        }}`,
        `{"model":"nowhere/x","model":"${model}","messages":${JSON.stringify(messages)}}`,
        `{"model":"${model}","messages":[{"role":"user","content":"\\ud800 lone"}],"big":123456789012345678901234567890,"huge":1e400}`,
        `\ufeff${JSON.stringify(good)}`,
      ]
    ) expect([200, 400]).toContain((await chat(text)).status);
    expect(({} as Record<string, unknown>).admin).toBeUndefined();
  });

  test("of another kind are refused", async () => {
    for (
      const type of ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
    ) {
      await expectError(
        await chat(JSON.stringify(good), { "content-type": type }),
        415,
        "unsupported_media_type",
      );
    }
  });

  test("naming a model with line breaks, or a very long one, are refused as such", async () => {
    for (
      const model of [
        "mock\r\nx-injected: 1",
        "a\u0000b",
        "x".repeat(300),
        "../../etc/passwd",
        "nowhere/<script>",
        "ünïcödé",
      ]
    ) {
      const response = await chat({ ...good, model });
      expect(response.status).toBeGreaterThanOrEqual(400);
      expect(response.status).toBeLessThan(500);
      expect(response.headers.has("x-injected")).toBe(false);
    }
  });
});

describe("methods and paths", () => {
  test("an unknown path is 404, a known one with another method 405 and says which", async () => {
    await expectError(await fetch(`${gateway.origin}/v1/nothing`), 404, "unknown_url");
    const wrong = await fetch(`${gateway.origin}/v1/chat/completions`, {
      headers: { authorization: `Bearer ${key}` },
    });
    expect(wrong.headers.get("allow")).toBe("POST");
    await expectError(wrong, 405, "method_not_allowed");
    const deleted = await fetch(`${gateway.origin}/v1/models`, { method: "DELETE" });
    expect(deleted.headers.get("allow")).toBe("GET, HEAD");
    await expectError(deleted, 405);
  });

  test("a method in a header changes nothing", async () => {
    const response = await fetch(`${gateway.origin}/v1/models`, {
      headers: { "x-http-method-override": "DELETE", authorization: `Bearer ${key}` },
    });
    expect(response.status).toBe(200);
  });
});

describe("keys", () => {
  for (
    const [name, value] of Object.entries({
      "none": undefined,
      "an empty one": "Bearer ",
      "a huge one": `Bearer ${"x".repeat(10_000)}`,
      "two joined": `Bearer ${key}, Bearer ${key}`,
      "SQL": "Bearer sk-' OR 1=1--",
      "another scheme": `Basic ${key}`,
    })
  ) {
    test(`${name} is refused`, async () => {
      await expectError(
        await fetch(
          `${gateway.origin}/v1/models`,
          value === undefined ? {} : { headers: { authorization: value } },
        ),
        401,
        "invalid_api_key",
      );
    });
  }

  test("a developer's is not an administrator's, whatever the request claims to be", async () => {
    for (
      const headers of [{}, { "x-forwarded-for": "127.0.0.1" }, { "x-real-ip": "127.0.0.1" }, {
        "x-intellirouter-role": "admin",
      }]
    ) {
      await expectError(
        await fetch(`${gateway.origin}/admin/v1/decisions`, {
          headers: { ...headers, authorization: `Bearer ${key}` } as Record<string, string>,
        }),
        403,
        "permission_denied",
      );
    }
  });

  test("bad questions of an administrator are answered clearly", async () => {
    const headers = { authorization: `Bearer ${admin}` };
    expect(
      (await expectError(await fetch(`${gateway.origin}/admin/v1/decisions?limit=0`, { headers }), 400))
        .param,
    ).toBe("limit");
    await expectError(await fetch(`${gateway.origin}/admin/v1/decisions?limit=many`, { headers }), 400);
    await expectError(await fetch(`${gateway.origin}/admin/v1/decisions?outcome=odd`, { headers }), 400);
    await expectError(
      await fetch(`${gateway.origin}/admin/v1/decisions/nothing`, { headers }),
      404,
      "decision_not_found",
    );
  });
});

test("too many headers, or too long ones, are refused by the server", async () => {
  const many = Array.from({ length: 300 }, (_, index) => `x-${index}: 1\r\n`).join("");
  for (const headers of [many, `x: ${"y".repeat(40_000)}\r\n`]) {
    expect([0, 431]).toContain(
      statusOf(await raw(`GET /livez HTTP/1.1\r\nhost: localhost\r\n${headers}connection: close\r\n\r\n`)),
    );
  }
});
