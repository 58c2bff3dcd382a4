import { describe, expect, test } from "bun:test";
import { ApiError } from "../lib/api-error.ts";
import { TargetCheck } from "./check-target.ts";

const checkTarget = (request: Request, allowedHosts: ReadonlySet<string>) =>
  new TargetCheck(allowedHosts).check(request);

/** A request as the runtime hands it over; its constructor would refuse or mend what a socket delivers. */
function arrived(url: string, host: string | null): Request {
  return { url, headers: { get: (name: string) => (name === "host" ? host : null) } } as unknown as Request;
}

const anyHost: ReadonlySet<string> = new Set();

describe("a request is let in", () => {
  for (
    const [url, host] of [
      ["http://localhost:8000/v1/models", "localhost:8000"],
      ["http://127.0.0.1/v1/models", "127.0.0.1"],
      ["http://[::1]:8000/v1", "[::1]:8000"],
      ["http://example.org/v1", "example.org:80"],
      ["http://example.org/v1", "EXAMPLE.org"],
      ["http://my_service.internal:8000/", "my_service.internal:8000"],
    ] as const
  ) {
    test(`${host} for ${url}`, () => expect(() => checkTarget(arrived(url, host), anyHost)).not.toThrow());
  }
});

describe("a request is refused with 400", () => {
  for (
    const [name, url, host] of [
      ["without a Host", "/pub/admin/x", null],
      ["with an empty Host", "/pub/admin/x", ""],
      ["with a fragment in Host", "/pub/admin/x", "a#"],
      ["with a user in Host", "/pub/admin/x", "u@a"],
      ["with a space in Host", "/pub/admin/x", "a b"],
      ["with two Hosts", "http://a/admin/x", "a, b"],
      ["with a non-ASCII Host", "/pub/admin/x", "bücher"],
      ["with a relative URL and a good Host", "/pub/admin/x", "localhost"],
      ["with another host in the request line", "http://evil/admin/x", "localhost"],
    ] as const
  ) {
    test(name, () => {
      try {
        checkTarget(arrived(url, host), anyHost);
        throw new Error("was let in");
      } catch (error) {
        expect(error).toBeInstanceOf(ApiError);
        expect((error as ApiError).status).toBe(400);
      }
    });
  }
});

test("with allowed_hosts only those are served, whatever their port", () => {
  const allowed = new Set(["gateway.example"]);
  expect(() => checkTarget(arrived("http://gateway.example:8000/", "Gateway.Example:8000"), allowed)).not
    .toThrow();
  expect(() => checkTarget(arrived("http://localhost/", "localhost"), allowed)).toThrow(ApiError);
});

test("a host that was found good does not make another request line good", () => {
  const check = new TargetCheck(anyHost);
  check.check(arrived("http://localhost:8000/v1/models", "localhost:8000"));
  check.check(arrived("http://localhost:8000/v1/models?x=1", "localhost:8000"));
  expect(() => check.check(arrived("http://evil/admin/x", "localhost:8000"))).toThrow(ApiError);
  expect(() => check.check(arrived("/pub/admin/x", "localhost:8000"))).toThrow(ApiError);
});
