import { describe, expect, test } from "bun:test";
import * as zlib from "node:zlib";
import { ApiError } from "../lib/api-error.ts";
import { readJson } from "./read-json.ts";

const limits = { maxBytes: 10_000, maxDepth: 64 };

function request(body: BodyInit, headers: Record<string, string> = {}): Request {
  const size = typeof body === "string"
    ? Buffer.byteLength(body)
    : body instanceof Uint8Array
    ? body.byteLength
    : undefined;
  return new Request("http://localhost/v1/chat/completions", {
    method: "POST",
    body,
    headers: { ...(size === undefined ? {} : { "content-length": String(size) }), ...headers },
  });
}

async function refusal(given: Request): Promise<ApiError> {
  const error = await readJson(given, limits).then(() => undefined, (thrown) => thrown);
  expect(error).toBeInstanceOf(ApiError);
  return error;
}

describe("a body is read", () => {
  const value = { model: "m", text: "ünï 🦙", nested: [1, { a: null }] };
  const bytes = Buffer.from(JSON.stringify(value));
  const encodings: Record<string, Uint8Array<ArrayBuffer>> = {
    gzip: new Uint8Array(zlib.gzipSync(bytes)),
    deflate: new Uint8Array(zlib.deflateSync(bytes)),
    br: new Uint8Array(zlib.brotliCompressSync(bytes)),
    zstd: new Uint8Array(zlib.zstdCompressSync(bytes)),
    identity: new Uint8Array(bytes),
  };
  for (const [encoding, compressed] of Object.entries(encodings)) {
    test(`encoded with ${encoding}`, async () => {
      const read = await readJson(request(compressed, { "content-encoding": encoding }), limits);
      expect(read).toEqual({ value, text: JSON.stringify(value) });
    });
  }

  test("in pieces, without a length", async () => {
    const stream = new ReadableStream({
      start(controller) {
        for (const byte of bytes) controller.enqueue(new Uint8Array([byte]));
        controller.close();
      },
    });
    expect((await readJson(request(stream), limits)).value).toEqual(value);
  });

  test("with any JSON media type, or none", async () => {
    for (const type of ["application/json", "application/json; charset=utf-8", "application/vnd.api+json"]) {
      expect((await readJson(request("{}", { "content-type": type }), limits)).value).toEqual({});
    }
  });
});

describe("a body is refused", () => {
  test("for its announced length, without reading it", async () => {
    const given = request("{}", { "content-length": "10001" });
    expect((await refusal(given)).status).toBe(413);
    expect(given.bodyUsed).toBe(false);
  });

  test("for its real length when none is announced", async () => {
    let pulled = 0;
    const endless = new ReadableStream({
      pull(controller) {
        pulled++;
        controller.enqueue(new Uint8Array(1000));
      },
    });
    expect((await refusal(request(endless))).status).toBe(413);
    expect(pulled).toBeLessThan(20);
  });

  test("as the client's fault when it breaks off", async () => {
    const broken = () =>
      new ReadableStream({
        pull: (controller) => controller.error(new DOMException("", "AbortError")),
      });
    expect((await refusal(request(broken()))).code).toBe("incomplete_body");
    expect((await refusal(request(broken(), { "content-length": "10" }))).code).toBe("incomplete_body");
  });

  for (
    const [name, compress] of [["gzip", zlib.gzipSync], ["zstd", zlib.zstdCompressSync], [
      "br",
      zlib.brotliCompressSync,
    ]] as const
  ) {
    test(`for being a ${name} bomb`, async () => {
      const bomb = new Uint8Array(compress(Buffer.alloc(20_000_000, " ")));
      expect(bomb.byteLength).toBeLessThan(limits.maxBytes * 3);
      const error = await readJson(request(bomb, { "content-encoding": name }), {
        ...limits,
        maxBytes: 100_000,
      })
        .then(() => undefined, (thrown) => thrown);
      expect(error.status).toBe(413);
    });
  }

  test("for being cut or not what its encoding says", async () => {
    expect((await refusal(request("{}", { "content-encoding": "gzip" }))).code).toBe(
      "invalid_content_encoding",
    );
    expect((await refusal(request("{}", { "content-encoding": "rot13" }))).status).toBe(415);
  });

  for (
    const [name, text, place] of [
      ["a missing value", '{"model": }', "line 1, column 11"],
      ["a trailing comma", '{"model": "x",}', "line 1, column 15"],
      ["an error on a later line", '{\n  "model": "x"\n  "messages": []\n}', "line 3, column 3"],
      ["a comment", '{"a": 1 // no\n}', "line 1, column 9"],
      ["trailing garbage", '{"a": 1} x', "line 1, column 10"],
      ["single quotes", "{'a': 1}", "line 1, column 2"],
    ] as const
  ) {
    test(`with the position of ${name}`, async () => {
      const error = await refusal(request(text));
      expect([error.status, error.code]).toEqual([400, "invalid_json"]);
      expect(error.message).toContain(place);
    });
  }

  test("for being empty", async () => {
    expect((await refusal(request(""))).message).toContain("empty");
  });

  test("for its depth, however deep", async () => {
    for (const depth of [65, 1_000, 1_000_000]) {
      const text = "[".repeat(depth) + "]".repeat(depth);
      const error = await readJson(request(text), { maxBytes: 10_000_000, maxDepth: 64 }).then(
        () => undefined,
        (thrown) => thrown,
      );
      expect([error.status, error.code]).toEqual([400, "json_too_deep"]);
    }
    expect((await readJson(request("[".repeat(64) + "]".repeat(64)), limits)).value).toBeArray();
  });

  for (const type of ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]) {
    test(`for the media type ${type}`, async () => {
      expect((await refusal(request("{}", { "content-type": type }))).status).toBe(415);
    });
  }
});

test("an encoding may stand beside identity, and a body that is cut off is told", async () => {
  const { gzipSync, zstdCompressSync } = await import("node:zlib");
  const body = JSON.stringify({ text: Array.from({ length: 2_000 }, (_, index) => index * 7919).join() });
  const read = (bytes: Uint8Array, encoding: string) =>
    readJson(
      new Request("http://h/", {
        method: "POST",
        body: Uint8Array.from(bytes),
        headers: { "content-type": "application/json", "content-encoding": encoding },
      }),
      { maxBytes: 1_000_000, maxDepth: 64 },
    );
  expect((await read(zstdCompressSync(body), "zstd, identity")).value).toEqual(JSON.parse(body));
  expect((await read(gzipSync(body), "gzip, identity")).value).toEqual(JSON.parse(body));
  for (const [bytes, encoding] of [[zstdCompressSync(body), "zstd"], [gzipSync(body), "gzip"]] as const) {
    const error = await read(bytes.subarray(0, bytes.length / 2), encoding).then(
      () => undefined,
      (thrown) => thrown,
    );
    expect([encoding, error?.status, error?.code]).toEqual([encoding, 400, "invalid_content_encoding"]);
  }
});
