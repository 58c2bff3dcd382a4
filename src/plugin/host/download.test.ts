import { afterAll, expect, test } from "bun:test";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { UpstreamError } from "../api/upstream-error.ts";
import { createDownload, isPublic } from "./download.ts";

const server = createServer((request, response) => {
  const { pathname } = new URL(request.url!, "http://h");
  if (pathname === "/image") {
    response.setHeader("content-type", "image/PNG; charset=x").end(Buffer.from([1, 2, 3]));
  } else if (pathname === "/hop") response.writeHead(302, { location: "/image" }).end();
  else if (pathname === "/loop") response.writeHead(302, { location: "/loop" }).end();
  else if (pathname === "/out") response.writeHead(302, { location: "file:///etc/passwd" }).end();
  else if (pathname === "/large") response.end(Buffer.alloc(5_000));
  else if (pathname === "/never") response.writeHead(200).flushHeaders();
  else response.writeHead(404).end();
});
await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const open = createDownload({ allow_private_hosts: true, max_bytes: 1_000, timeout_ms: 200 });
const guarded = createDownload({ allow_private_hosts: false, max_bytes: 1_000, timeout_ms: 200 });
const never = new AbortController().signal;
const failure = (download: typeof open, url: string, signal = never) =>
  download(url, signal).then(() => undefined, (error: unknown) => error as UpstreamError);

test("a file comes with its media type, also over a redirect", async () => {
  for (const path of ["/image", "/hop"]) {
    expect(await open(origin + path, never)).toEqual({
      mediaType: "image/png",
      data: new Uint8Array([1, 2, 3]),
    });
  }
});

test("what is no file is the request's fault, with a reason", async () => {
  for (
    const [path, words] of [
      ["/loop", "redirects more than"],
      ["/out", "must be http or https"],
      ["/large", "more than 1000 bytes"],
      ["/never", "took more than 200 ms"],
      ["/missing", "status 404"],
    ] as const
  ) {
    const error = (await failure(open, origin + path))!;
    expect(error.message).toContain(words);
    expect(error.kind).toBe("invalid_request");
  }
  expect((await failure(open, "http://127.0.0.1:1/"))!.message).toContain("no connection");
});

test("every spelling of this machine and its neighbours is refused before a connection is made", async () => {
  for (
    const url of [
      `${origin}/image`,
      "http://2130706433/",
      "http://0x7f.1/",
      "http://017700000001/",
      "http://127.1/",
      "http://0/",
      "http://①②⑦.⓪.⓪.①/",
      "http://[::1]/",
      "http://[::]/",
      "http://[::ffff:127.0.0.1]/",
      "http://[64:ff9b::7f00:1]/",
      "http://[fd00:ec2::254]/",
      "http://169.254.169.254/latest/meta-data/",
      "http://10.0.0.1/",
      "http://192.168.1.1/",
      "http://localhost/",
    ]
  ) {
    expect([url, (await failure(guarded, url))?.message]).toEqual([
      url,
      expect.stringContaining("not public"),
    ]);
  }
  for (const url of ["file:///etc/passwd", "gopher://h/", "data:image/png;base64,AA==", "ftp://h/", "x"]) {
    expect((await failure(guarded, url))?.message).toContain("must be http or https");
  }
  expect((await failure(guarded, "http://user:pass@example.com/"))?.message).toContain("user name");
});

test("public addresses pass", () => {
  for (const address of ["1.1.1.1", "93.184.216.34", "2606:4700:4700::1111"]) {
    expect(isPublic(address)).toBe(true);
  }
});

test("an abort comes out as its own reason", async () => {
  const reason = new Error("gone");
  expect(await failure(open, `${origin}/never`, AbortSignal.abort(reason))).toBe(reason as never);
});
