/**
 * What no well-behaved client sends, byte by byte over a socket: `fetch` would mend most of it. Bodies and keys that any
 * client could send are in bad-input.test.ts.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { connect } from "node:net";
import { readFileSync } from "node:fs";
import * as zlib from "node:zlib";
import { type Gateway, startGateway, until } from "./support/gateway.ts";

const admin = "the-admin-key-of-these-tests";
const key = "a-developers-key-of-these-tests";
const asAdmin = `authorization: Bearer ${admin}\r\n`;
const asDeveloper = `authorization: Bearer ${key}\r\n`;
const host = "host: localhost\r\n";
const close = "connection: close\r\n";
const decisions = "/admin/v1/decisions";
const maxBytes = 8 * 1024 * 1024;

let gateway: Gateway;

beforeAll(async () => {
  gateway = await startGateway({
    config:
      `[auth]\nmode = "required"\n[server]\nmax_body_bytes = ${maxBytes}\n[discovery]\nmock = "on"\n[[routes]]\nname = "*"\ntargets = ["mock/*"]\n`,
    env: { INTELLIROUTER_ADMIN_KEY: admin, INTELLIROUTER_API_KEYS: key },
  });
});

afterAll(async () => {
  // After all that it is the same process, it serves, and nothing went wrong inside.
  expect(statuses(await raw(`GET /livez HTTP/1.1\r\n${host}${close}\r\n`))).toEqual([200]);
  expect(statuses(await raw(post(chatBody(""))))).toEqual([200]);
  expect(gateway.stderr().split("\n").filter((line) => line.includes('"level":"error"'))).toEqual([]);
  expect(await gateway.stop()).toBe(0);
});

/** Sends bytes as they are and gives everything that comes back until the server closes the connection. */
function raw(bytes: string | Uint8Array, port = gateway.port): Promise<string> {
  return new Promise((resolve) => {
    let answer = "";
    const socket = connect(
      port,
      "127.0.0.1",
      () => socket.write(typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes),
    );
    socket.on("data", (piece) => (answer += piece.toString("latin1")));
    // Refusals may come as a reset.
    socket.on("error", () => {});
    socket.on("close", () => resolve(answer));
  });
}

const statuses = (answer: string) =>
  [...answer.matchAll(/HTTP\/1\.1 (\d{3})/g)].map((match) => Number(match[1]));

function post(body: string | Uint8Array, headers = "", path = "/v1/chat/completions"): Buffer {
  const bytes = Buffer.from(body as string);
  const type = /^content-type:/im.test(headers) ? "" : "content-type: application/json\r\n";
  const head =
    `POST ${path} HTTP/1.1\r\n${host}${close}${asDeveloper}${type}${headers}content-length: ${bytes.length}\r\n\r\n`;
  return Buffer.concat([Buffer.from(head, "latin1"), bytes]);
}

const chatBody = (fields: string, model = '"mock-llama"') =>
  `{"model":${model},"messages":[{"role":"user","content":"Hi"}]${fields}}`;

interface ErrorFields {
  readonly message: string;
  readonly type: string;
  readonly param: string | null;
  readonly code: string | null;
}

/** The one answer, which must be this error in the protocol's form. */
function errorIn(answer: string, status: number, code?: string): ErrorFields {
  expect(statuses(answer)).toEqual([status]);
  const [head = "", body = ""] = answer.split("\r\n\r\n", 2);
  expect(head).toMatch(/^content-type: application\/json/im);
  expect(head).toMatch(/^x-request-id: \S+$/im);
  const { error } = JSON.parse(Buffer.from(body, "latin1").toString()) as { error: ErrorFields };
  expect(Object.keys(error).sort()).toEqual(["code", "message", "param", "type"]);
  expect([typeof error.message, typeof error.type]).toEqual(["string", "string"]);
  if (code !== undefined) expect(error.code).toBe(code);
  return error;
}

describe("a Host header", () => {
  const request = (hosts: string, path = `/zz${decisions}`) =>
    `GET ${path} HTTP/1.1\r\n${hosts}${close}${asAdmin}\r\n`;

  for (
    const value of [
      "",
      "a#",
      "a?b",
      "a/b",
      "a\\b",
      "u@a",
      "a b",
      "a, b",
      "a%20b",
      "b\xfccher",
      "a:x",
      "a:",
      "a:999999",
      "[::zz]",
      "[::1",
      "a\tb",
      "http://a",
    ]
  ) {
    test(`${JSON.stringify(value)} is refused with an error object, whatever the path`, async () => {
      // The first path would lose its first segment in the router and reach the decisions.
      for (const path of [`/zz${decisions}`, decisions, "/v1/models", "/livez"]) {
        errorIn(await raw(request(`host: ${value}\r\n`, path)), 400, "invalid_host");
      }
    });
  }

  for (const lines of ["host: a\r\nhost: b\r\n", "host: a\r\nhost: a\r\n", "Host: a\r\nhOST:\r\n"]) {
    test(`given as ${JSON.stringify(lines)} is refused`, async () => {
      errorIn(await raw(request(lines)), 400, "invalid_host");
    });
  }

  for (const lines of ["", "host : a\r\n", " host: a\r\n", "host: a\r\n b\r\n", "host: a\0b\r\n"]) {
    test(`given as ${JSON.stringify(lines)} is refused by the parser, and the connection closed`, async () => {
      expect(statuses(await raw(request(lines)))).toEqual([400]);
    });
  }

  test("that is refused leaves the whole path in the log", async () => {
    await raw(request("host: a#\r\nx-request-id: bad-host\r\n", "/pub/admin/x?secret=1"));
    await until(() => gateway.stderr().includes('"request_id":"bad-host"'), "the log line");
    const line = gateway.stderr().split("\n").find((text) => text.includes("bad-host"))!;
    expect(JSON.parse(line)).toMatchObject({ path: "/pub/admin/x", status: 400 });
  });

  test("is not missed by HTTP/1.0 either", async () => {
    const answer = await raw(`GET /zz${decisions} HTTP/1.0\r\n${asAdmin}\r\n`);
    expect(answer).toContain('"code":"invalid_host"');
    expect(answer).not.toContain('"object":"list"');
  });

  test("that is odd but well-formed shifts no path", async () => {
    for (
      const name of [
        "..",
        "a:65536",
        "a:00080",
        "a:80",
        "2130706433",
        "0x7f.1",
        "[::1]:8000",
        "A.B",
        "xn--bcher-kva",
      ]
    ) {
      expect(statuses(await raw(request(`host: ${name}\r\n`)))).toEqual([404]);
      expect(statuses(await raw(request(`host: ${name}\r\n`, `${decisions}?limit=1`)))).toEqual([200]);
      expect(statuses(await raw(request(`host: ${name}\r\n`, "/livez")))).toEqual([200]);
    }
  });
});

describe("a request line", () => {
  test("with a whole URL is read by its path and the Host header; its authority gives no right", async () => {
    for (const prefix of ["http://evil", "http://u@evil:1", "HTTP://evil", "https://evil", "http://"]) {
      const as = (who: string) => raw(`GET ${prefix}${decisions} HTTP/1.1\r\n${host}${close}${who}\r\n`);
      expect([400, 403]).toContain(statuses(await as(asDeveloper))[0]!);
      expect([400, 401]).toContain(statuses(await as(""))[0]!);
      const shifted = await raw(`GET ${prefix}/zz${decisions} HTTP/1.1\r\n${host}${close}${asAdmin}\r\n`);
      expect([400, 404]).toContain(statuses(shifted)[0]!);
    }
    expect(statuses(await raw(`GET http://evil${decisions} HTTP/1.1\r\n${close}${asAdmin}\r\n`))).toEqual([
      400,
    ]);
    expect(
      statuses(await raw(`GET http://localhost${decisions} HTTP/1.1\r\nhost: a#\r\n${close}${asAdmin}\r\n`)),
    )
      .toEqual([400]);
  });

  for (
    const line of [
      "GET /livez",
      "GET /livez HTTP/2.0",
      "GET /livez HTTP/1.1 x",
      "GET /livez http://x HTTP/1.1",
      "GET /li vez HTTP/1.1",
      "GET  /livez HTTP/1.1",
      "GET\t/livez HTTP/1.1",
      "GET livez HTTP/1.1",
      "GET ?x HTTP/1.1",
      "GET ftp://localhost/livez HTTP/1.1",
      "GET /li\0vez HTTP/1.1",
      "OPTIONS * HTTP/1.1",
      "CONNECT evil:443 HTTP/1.1",
      "PRI * HTTP/2.0",
      "BREW /livez HTTP/1.1",
      "get /livez HTTP/1.1",
      `${"A".repeat(5_000)} /livez HTTP/1.1`,
      `GET /${"a".repeat(20_000)} HTTP/1.1`,
      "",
      "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ]
  ) {
    test(`${JSON.stringify(line.slice(0, 40))} reaches nothing, and the connection is closed`, async () => {
      const answer = await raw(`${line}\r\n${host}${close}\r\n\r\n`);
      expect(answer).not.toContain('"status":"ok"');
      for (const status of statuses(answer)) expect([400, 431, 501, 505]).toContain(status);
    });
  }
});

describe("smuggling", () => {
  const start =
    `POST /v1/chat/completions HTTP/1.1\r\n${host}${asDeveloper}content-type: application/json\r\n`;
  const chunks = "2\r\n{}\r\n0\r\n\r\n";
  const hidden = (id: string) =>
    `GET ${decisions} HTTP/1.1\r\n${host}${asAdmin}x-request-id: ${id}\r\n${close}\r\n`;

  /** The access line of every request that is run carries its id. */
  const wasRun = (id: string) => gateway.stderr().includes(`"request_id":"${id}"`);

  const refused: Readonly<Record<string, string>> = {
    "a length and chunks": `content-length: 6\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nX`,
    "chunks and a length": `transfer-encoding: chunked\r\ncontent-length: 4\r\n\r\n${chunks}`,
    "chunked, then identity": `transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n\r\n${chunks}`,
    "identity, then chunked": `transfer-encoding: identity\r\ntransfer-encoding: chunked\r\n\r\n${chunks}`,
    "xchunked": `transfer-encoding: xchunked\r\n\r\n${chunks}`,
    "a list of codings": `transfer-encoding: gzip, chunked\r\n\r\n${chunks}`,
    "chunked twice": `transfer-encoding: chunked, chunked\r\n\r\n${chunks}`,
    "a quoted coding": `transfer-encoding: "chunked"\r\n\r\n${chunks}`,
    "identity and a length": "transfer-encoding: identity\r\ncontent-length: 2\r\n\r\n{}",
    "a space before the colon of the coding": `transfer-encoding : chunked\r\n\r\n${chunks}`,
    "a vertical tab before the coding": `transfer-encoding: \x0bchunked\r\n\r\n${chunks}`,
    "a tab before the coding, and a length": `transfer-encoding:\tchunked\r\ncontent-length: 2\r\n\r\n{}`,
    "a signed length": "content-length: +2\r\n\r\n{}",
    "a negative length": "content-length: -2\r\n\r\n{}",
    "a hexadecimal length": "content-length: 0x2\r\n\r\n{}",
    "an empty length": "content-length:\r\n\r\n{}",
    "a length with a space inside": "content-length: 2 0\r\n\r\n{}",
    "a length beyond all numbers": "content-length: 99999999999999999999999\r\n\r\n{}",
    "a list of lengths": "content-length: 2, 9\r\n\r\n{}",
    "two lengths": "content-length: 2\r\ncontent-length: 9\r\n\r\n{}",
    "a space before the colon of the length": "content-length : 2\r\n\r\n{}",
    "a length in a folded header": "x: a\r\n content-length: 2\r\n\r\n",
    "a bare CR": "x: a\rcontent-length: 2\r\n\r\n{}",
    "a NUL in a name": "x\0: a\r\ncontent-length: 2\r\n\r\n{}",
    "a NUL in a value": "x: a\0b\r\ncontent-length: 2\r\n\r\n{}",
    "a header without a colon": "xabc\r\ncontent-length: 2\r\n\r\n{}",
    "a signed chunk size": "transfer-encoding: chunked\r\n\r\n+2\r\n{}\r\n0\r\n\r\n",
    "a negative chunk size": "transfer-encoding: chunked\r\n\r\n-2\r\n{}\r\n0\r\n\r\n",
    "a prefixed chunk size": "transfer-encoding: chunked\r\n\r\n0x2\r\n{}\r\n0\r\n\r\n",
    "a chunk size beyond all numbers":
      "transfer-encoding: chunked\r\n\r\nfffffffffffffffff2\r\n{}\r\n0\r\n\r\n",
    "a space after the chunk size": "transfer-encoding: chunked\r\n\r\n2 \r\n{}\r\n0\r\n\r\n",
    "a bare LF after a chunk extension": "transfer-encoding: chunked\r\n\r\n2;\n{}\r\n0\r\n\r\n",
    "bare LFs between chunks": "transfer-encoding: chunked\r\n\r\n2\n{}\n0\n\n",
    "no line end after a chunk": "transfer-encoding: chunked\r\n\r\n2\r\n{}XX0\r\n\r\n",
    "a letter as a chunk size": "transfer-encoding: chunked\r\n\r\nz\r\n{}\r\n0\r\n\r\n",
  };
  for (const [name, rest] of Object.entries(refused)) {
    test(`by ${name} is refused, the connection closed, and what follows not run`, async () => {
      const id = `hidden-${name.replace(/\W+/g, "-")}`;
      const answer = await raw(start + rest + hidden(id));
      expect(statuses(answer)).toEqual([400]);
      await barrier();
      expect(wasRun(id)).toBe(false);
    });
  }

  test("by HTTP/1.0 with chunks, or by bare LFs throughout, is refused", async () => {
    for (
      const text of [
        start.replace("1.1", "1.0") + `transfer-encoding: chunked\r\n\r\n${chunks}`,
        start.replaceAll("\r\n", "\n") + "content-length: 2\n\n{}",
      ]
    ) {
      const answer = await raw(text + hidden("hidden-old"));
      expect(statuses(answer).every((status) => [400, 505].includes(status))).toBe(true);
    }
    await barrier();
    expect(wasRun("hidden-old")).toBe(false);
  });

  test("in the body of a GET stays a body", async () => {
    const inside = hidden("hidden-in-body");
    const answer = await raw(
      `GET /v1/models HTTP/1.1\r\n${host}${asDeveloper}${close}content-length: ${inside.length}\r\n\r\n${inside}`,
    );
    expect(statuses(answer)).toEqual([200]);
    await barrier();
    expect(wasRun("hidden-in-body")).toBe(false);
  });

  test("in what follows a refused body is not run: refused early, the rest of the body is still a body", async () => {
    const inside = hidden("hidden-in-refused");
    const padded = inside + " ".repeat(maxBytes + 1 - inside.length);
    await raw(`${start}content-length: ${padded.length}\r\n${close}\r\n${padded}`);
    await barrier();
    expect(wasRun("hidden-in-refused")).toBe(false);
  });

  test("is no name for well-formed pipelining: every request gets its own answer, in order", async () => {
    for (
      const rest of [
        "content-length: 2\r\n\r\n{}",
        `transfer-encoding: chunked\r\n\r\n2;name=value\r\n{}\r\n0\r\n\r\n`,
      ]
    ) {
      const answer = await raw(`${start}${rest}GET /livez HTTP/1.1\r\n${host}${close}\r\n`);
      expect(statuses(answer)).toEqual([400, 200]);
      expect(answer).toContain('"param":"model"');
      expect(answer).toEndWith('{"status":"ok"}');
    }
  });
});

let barriers = 0;

/** Resolves when the log holds the line of a request that came after everything before. */
async function barrier(): Promise<void> {
  const id = `barrier-${++barriers}`;
  await raw(`GET /livez HTTP/1.1\r\n${host}${close}x-request-id: ${id}\r\n\r\n`);
  await until(() => gateway.stderr().includes(`"request_id":"${id}"`), "the log line");
}

describe("a path", () => {
  const paths = [
    decisions,
    `${decisions}?model=..`,
    `${decisions}#x`,
    `/.${decisions}`,
    `/./${decisions.slice(1)}`,
    `/y/..${decisions}`,
    `/v1/..${decisions}`,
    `/v1/models/../..${decisions}`,
    `/v1/%2e%2e${decisions}`,
    `/y\\..${decisions.replaceAll("/", "\\")}`,
    `/y/..\\${decisions.slice(1)}`,
    `/%61${decisions.slice(2)}`,
    `/%2561${decisions.slice(2)}`,
    `/admin%2fv1%2fdecisions`,
    `/admin/v1%2Fdecisions`,
    `//${decisions.slice(1)}`,
    `/${decisions}`,
    `/\\${decisions.slice(1)}`,
    "/admin//v1/decisions",
    "/admin;x/v1/decisions",
    `${decisions};x`,
    `${decisions}/`,
    `${decisions}/.`,
    `${decisions}/..`,
    `${decisions}%00`,
    `${decisions}%20`,
    `${decisions}%0d%0ax: y`,
    "/ADMIN/v1/decisions",
    "/v1/models/..%2f..%2fadmin%2fv1%2fdecisions",
    "/%c0%af",
    "/%ff",
    "/%",
    "/v1/models/%E0%A4%A",
    "/v1/models/%00",
    "/v1/models/\xff",
    `/v1/models/${"%F0%9F%A6%99".repeat(300)}`,
    "/v1/models/__proto__",
    "/v1/models/constructor",
  ];

  test("in whatever spelling gives a key no more than its rights", async () => {
    for (const path of paths) {
      const answer = await raw(`GET ${path} HTTP/1.1\r\n${host}${asDeveloper}${close}\r\n`);
      expect([path, [400, 403, 404, 505].includes(statuses(answer)[0]!)]).toEqual([path, true]);
      expect(answer).not.toContain('"object":"list"');
    }
  });

  test("is served only where the URL standard and one decoding make it that path", async () => {
    for (const path of paths.filter((path) => !/[\s\xff]/.test(path))) {
      const answer = await raw(`GET ${path} HTTP/1.1\r\n${host}${asAdmin}${close}\r\n`);
      const { pathname } = new URL(`http://localhost${path}`);
      const decoded = pathname.replace(/%(?!2f)[2-7][0-9a-f]/gi, (code) => decodeURIComponent(code));
      expect([path, statuses(answer)[0] === 200]).toEqual([path, decoded === decisions]);
    }
  });

  test("in a header changes nothing", async () => {
    for (const name of ["x-original-url", "x-rewrite-url", "x-forwarded-uri", "x-forwarded-prefix"]) {
      const answer = await raw(
        `GET /livez HTTP/1.1\r\n${host}${asAdmin}${name}: ${decisions}\r\n${close}\r\n`,
      );
      expect(answer).toEndWith('{"status":"ok"}');
    }
  });
});

describe("a method", () => {
  test("that a path does not take is refused, with the ones it takes", async () => {
    for (
      const [path, allow] of [
        ["/v1/chat/completions", "POST"],
        ["/v1/embeddings", "POST"],
        ["/v1/models", "GET, HEAD"],
        [decisions, "GET, HEAD"],
        ["/livez", "GET, HEAD"],
      ] as const
    ) {
      for (
        const method of ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", allow === "POST" ? "GET" : "POST"]
      ) {
        const answer = await raw(
          `${method} ${path} HTTP/1.1\r\n${host}${asAdmin}x-trace: canary\r\n${close}\r\n`,
        );
        errorIn(answer, 405, "method_not_allowed");
        expect(answer.match(/^allow: (.*)\r$/im)?.[1]).toBe(allow);
        expect(answer).not.toContain("canary");
      }
    }
  });

  test("in a header, or an upgrade, changes nothing", async () => {
    for (
      const header of [
        "x-http-method-override: DELETE",
        "x-http-method: PUT",
        "x-method-override: POST",
        "upgrade: h2c\r\nhttp2-settings: AAA",
        "upgrade: websocket\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version: 13",
      ]
    ) {
      expect(statuses(await raw(`GET /v1/models HTTP/1.1\r\n${host}${asDeveloper}${close}${header}\r\n\r\n`)))
        .toEqual([200]);
    }
  });
});

describe("headers", () => {
  test("that are too many or too long are refused", async () => {
    const many = Array.from({ length: 1_000 }, (_, index) => `x-${index}: 1\r\n`).join("");
    for (
      const headers of [
        many,
        `x: ${"y".repeat(20_000)}\r\n`,
        `authorization: Bearer ${"k".repeat(1 << 20)}\r\n`,
      ]
    ) {
      const answer = await raw(`GET /livez HTTP/1.1\r\n${host}${headers}${close}\r\n`);
      expect(answer).not.toContain('"status":"ok"');
      for (const status of statuses(answer)) expect(status).toBe(431);
    }
  });

  test("with a key, sent twice, give neither key's rights", async () => {
    for (
      const headers of [
        `${asDeveloper}${asAdmin}`,
        `${asAdmin}${asAdmin}`,
        `authorization: Bearer ${key}, Bearer ${admin}\r\n`,
        `x-api-key: ${key}\r\nx-api-key: ${admin}\r\n`,
        `api-key: ${admin}\xff\r\n`,
        "authorization: Bearer sk-ir-\r\n",
        "authorization: Bearer\r\n",
        "authorization:\r\n",
      ]
    ) {
      errorIn(
        await raw(Buffer.from(`GET ${decisions} HTTP/1.1\r\n${host}${close}${headers}\r\n`, "latin1")),
        401,
        "invalid_api_key",
      );
    }
  });

  test("with one key in front decide, also when another names more rights", async () => {
    for (
      const second of [
        `x-api-key: ${admin}\r\n`,
        `api-key: ${admin}\r\n`,
        `connection: authorization\r\nx-api-key: ${admin}\r\n`,
      ]
    ) {
      errorIn(
        await raw(`GET ${decisions} HTTP/1.1\r\n${host}${close}${asDeveloper}${second}\r\n`),
        403,
        "permission_denied",
      );
    }
  });

  test("with a request id that is not plain are answered with a fresh one", async () => {
    for (const id of ["a b", "\xe9", "x".repeat(200), "<script>", ""]) {
      const answer = await raw(
        Buffer.from(
          `GET /v1/models HTTP/1.1\r\n${host}${asDeveloper}${close}x-request-id: ${id}\r\n\r\n`,
          "latin1",
        ),
      );
      expect(answer).toMatch(/^x-request-id: req_[0-9a-f-]+\r$/im);
    }
  });

  test("that expect something are answered once, after the interim answer", async () => {
    const answer = await raw(post("{}", "expect: 100-continue\r\n"));
    expect(statuses(answer).filter((status) => status !== 100)).toEqual([400]);
  });
});

describe("a body", () => {
  const refused: Readonly<Record<string, readonly [body: string | Uint8Array, place: RegExp]>> = {
    "with NaN": [chatBody(',"temperature":NaN'), /line 1, column \d+/],
    "with Infinity": [chatBody(',"temperature":-Infinity'), /line 1, column \d+/],
    "with something after": [`${chatBody("")}x`, /line 1, column \d+/],
    "sent twice": [chatBody("").repeat(2), /line 1, column \d+/],
    "with a comment": [`${chatBody("")}// x`, /line 1, column \d+/],
    "in UTF-16": [Buffer.from(chatBody(""), "utf16le"), /line 1, column \d+/],
    "in UTF-16, the other way round": [
      Buffer.from(`\ufeff${chatBody("")}`, "utf16le").swap16(),
      /line 1, column \d+/,
    ],
    "with a NUL after": [`${chatBody("")}\0`, /line 1, column \d+/],
    "with a line break in a text": ['{"model":"a\nb"}', /line 1, column \d+/],
    "with a number of a leading zero": ['{"n":01}', /line 1, column \d+/],
    "of white space": [" \r\n\t", /empty/],
    "of opening brackets": ["[".repeat(1_000_000), /not valid JSON/],
    "of opening braces": ['{"a":'.repeat(200_000), /not valid JSON/],
    "of more than can be searched": [`${" ".repeat(2_000_000)}{`, /not valid JSON/],
  };
  for (const [name, [body, place]] of Object.entries(refused)) {
    test(`${name} is refused`, async () => {
      expect(errorIn(await raw(post(body)), 400, "invalid_json").message).toMatch(place);
    });
  }

  test("nested 100,000 and 1,000,000 deep is refused", async () => {
    for (const depth of [100_000, 1_000_000]) {
      for (const [open, end] of [["[", "]"], ['{"a":', "}"]] as const) {
        const body = chatBody(`,"x":${open.repeat(depth)}1${end.repeat(depth)}`);
        errorIn(await raw(post(body)), 400, "json_too_deep");
      }
    }
  });

  const wrong: Readonly<Record<string, readonly [body: string, param: string | null]>> = {
    "a temperature of 1e400": [chatBody(',"temperature":1e400'), "temperature"],
    "max_tokens of -1e400": [chatBody(',"max_tokens":-1e400'), "max_tokens"],
    "a half choice": [chatBody(',"n":1.5'), "n"],
    "a billion choices": [chatBody(',"n":1000000000'), "n"],
    "a model that is a list": [chatBody("", '["mock-llama"]'), "model"],
    "a model that is empty": [chatBody("", '""'), "model"],
    "a model name of a million letters": [chatBody("", `"${"a".repeat(1_000_000)}"`), "model"],
    "a model name with line breaks": [chatBody("", '"mock/a\\r\\nx-injected: 1"'), "model"],
    "a model name with a NUL": [chatBody("", '"mock/a\\u0000"'), "model"],
    "a model name with half a surrogate pair": [chatBody("", '"mock/\\ud800"'), "model"],
    "everything in its prototype": [`{"__proto__":${chatBody("")}}`, "model"],
    "a message in its prototype": [
      '{"model":"m","messages":[{"__proto__":{"role":"user","content":"x"}}]}',
      "messages[0].role",
    ],
    "a number": ["1", null],
    "a text": ['"x"', null],
  };
  for (const [name, [body, param]] of Object.entries(wrong)) {
    test(`of ${name} is refused, and the field is named`, async () => {
      const answer = await raw(post(body));
      expect(errorIn(answer, 400).param).toBe(param);
      expect(answer).not.toMatch(/^x-injected/im);
    });
  }

  test("that is odd but can be read is served, and taints no other request", async () => {
    for (
      const body of [
        `\ufeff${chatBody("")}`,
        chatBody(',"__proto__":{"stream":true,"model":"nowhere"}'),
        chatBody(',"constructor":{"prototype":{"stream":true}}'),
        chatBody(',"metadata":{"__proto__":"x","constructor":"y","toString":"z"}'),
        chatBody(',"unknown":123456789012345678901234567890,"other":1e400'),
        chatBody(',"model":"mock-llama"', '"nowhere/x"'),
        chatBody("").replace("Hi", "\\ud800 lone \\udc00"),
        chatBody("", '"mock/../\\u2028 \ud83e\udd99"'),
        chatBody(`,${Array.from({ length: 200_000 }, (_, index) => `"k${index}":1`).join(",")}`),
      ]
    ) {
      const answer = await raw(post(body));
      expect(statuses(answer)).toEqual([200]);
      // None of them asked for a stream.
      expect(answer).toContain('"object":"chat.completion"');
    }
    const legacy = '{"model":"mock-llama","prompt":"Hi","tools":"x","response_format":1}';
    expect(statuses(await raw(post(legacy, "", "/v1/completions")))).toEqual([200]);
    const broken = Buffer.from(chatBody("").replace("Hi", "\xff\xfe\xc0\xaf"), "latin1");
    expect(statuses(await raw(post(broken)))).toEqual([200]);
  });

  test("of another media type is refused", async () => {
    for (
      const type of [
        "text/plain",
        "text/json",
        "application/jsonx",
        "application/json, text/plain",
        "multipart/form-data; boundary=x",
        "*/*",
      ]
    ) {
      errorIn(await raw(post(chatBody(""), `content-type: ${type}\r\n`)), 415, "unsupported_media_type");
    }
    expect(statuses(await raw(post(chatBody(""), "content-type: APPLICATION/JSON ; charset=utf-8\r\n"))))
      .toEqual([200]);
  });

  test("in an unknown or doubled coding is refused", async () => {
    for (const coding of ["gzip, gzip", "__proto__", "constructor", "compress", "x".repeat(500)]) {
      errorIn(await raw(post("{}", `content-encoding: ${coding}\r\n`)), 415, "unsupported_content_encoding");
    }
  });

  test("compressed and cut off, or with something after, is refused", async () => {
    for (
      const [coding, compress] of [["gzip", zlib.gzipSync], ["deflate", zlib.deflateSync], [
        "br",
        zlib.brotliCompressSync,
      ], ["zstd", zlib.zstdCompressSync]] as const
    ) {
      const whole = compress(Buffer.from(chatBody("")));
      const cut = await raw(post(whole.subarray(0, whole.length >> 1), `content-encoding: ${coding}\r\n`));
      expect([coding, statuses(cut)]).toEqual([coding, [400]]);
      errorIn(cut, 400);
    }
  });

  test("of the limit's size is read; one byte more is refused, however it comes", async () => {
    const fitting = chatBody("").padEnd(maxBytes, " ");
    const chunked = (body: string) =>
      `POST /v1/chat/completions HTTP/1.1\r\n${host}${close}${asDeveloper}transfer-encoding: chunked\r\n\r\n${
        body.length.toString(16)
      }\r\n${body}\r\n0\r\n\r\n`;
    const gzip = (body: string) => post(zlib.gzipSync(body), "content-encoding: gzip\r\n");
    for (const form of [post, chunked, gzip]) {
      expect(statuses(await raw(form(fitting)))).toEqual([200]);
      errorIn(await raw(form(`${fitting} `)), 413, "request_too_large");
    }
  });

  test("without end is refused, and costs no memory", async () => {
    const head = `POST /v1/chat/completions HTTP/1.1\r\n${host}content-type: application/json\r\n`;
    const announced = "content-length: 900000000\r\n\r\n";
    const chunked = "transfer-encoding: chunked\r\n\r\n";
    const before = residentMiB();
    for (
      const [start, status] of [
        [head + announced, 401],
        [head + chunked, 401],
        [head + asDeveloper + announced, 413],
        [head + asDeveloper + chunked, 413],
        [head.replace("/chat/", "/chaf/") + announced, 404],
        [head.replace("POST /v1/chat/completions", "GET /livez") + chunked, 200],
      ] as const
    ) {
      expect(statuses(await flood(start, start.endsWith(chunked), 200))).toEqual([status]);
    }
    expect(residentMiB() - before).toBeLessThan(150);
  }, 60_000);

  test("that stalls, or trickles, is cut off like any quiet connection; a slow answer is not", async () => {
    const impatient = await startGateway({
      config:
        '[server]\nidle_timeout_seconds = 1\n[[providers]]\nname = "late"\nkind = "mock"\nslow_ms = 6000\n',
    });
    const begun = `POST /v1/chat/completions HTTP/1.1\r\n${host}`;
    const slow = raw(post(chatBody("", '"late/mock-llama-slow"')), impatient.port);
    for (const rest of ["content-length: 100\r\n\r\n{", "transfer-encoding: chunked\r\n\r\n64\r\n{"]) {
      // Resolves when the gateway closes.
      expect(await raw(begun + rest, impatient.port)).toBe("");
    }
    expect(statuses(await slow)).toEqual([200]);
    await impatient.stop();
  });

  test("that never comes whole leaves nothing behind", async () => {
    for (const rest of ["content-length: 100\r\n\r\n{", "transfer-encoding: chunked\r\n\r\n64\r\n{"]) {
      await new Promise<void>((resolve) => {
        const socket = connect(
          gateway.port,
          "127.0.0.1",
          () => socket.end(`POST /v1/chat/completions HTTP/1.1\r\n${host}${asDeveloper}${rest}`),
        );
        socket.on("error", () => {}).on("close", () => resolve()).resume();
      });
    }
    expect(statuses(await raw(post(chatBody(""))))).toEqual([200]);
  });
});

function residentMiB(): number {
  const status = readFileSync(`/proc/${gateway.pid}/status`, "utf8");
  return Number(status.match(/VmRSS:\s+(\d+)/)![1]) / 1024;
}

/** Sends a head and so many mebibytes of body, as far as the server lets it, and gives what came back. */
function flood(head: string, chunked: boolean, mebibytes: number): Promise<string> {
  const piece = Buffer.alloc(1 << 20, " ");
  const framed = chunked ? Buffer.concat([Buffer.from("100000\r\n"), piece, Buffer.from("\r\n")]) : piece;
  return new Promise((resolve) => {
    let answer = "";
    let sent = 0;
    const socket = connect(gateway.port, "127.0.0.1", () => {
      socket.write(head);
      send();
    });
    const send = () => {
      while (sent++ < mebibytes) if (!socket.write(framed)) return;
      if (answer !== "") socket.destroy();
    };
    socket.on("drain", send);
    socket.on("data", (piece) => {
      answer += piece.toString("latin1");
      if (sent >= mebibytes) socket.destroy();
    });
    socket.on("error", () => {});
    socket.on("close", () => resolve(answer));
  });
}
