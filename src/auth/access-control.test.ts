import { describe, expect, test } from "bun:test";
import memory from "../../test/support/memory-store.ts";
import { ApiError } from "../lib/api-error.ts";
import { type AccessControl, keyedAccess, openAccess } from "./access-control.ts";
import { makeAdminKey, restoreAdminKey } from "./admin-key.ts";
import { generateApiKey, isPlausibleApiKey } from "./api-key.ts";
import type { Principal } from "./principal.ts";
import { textMatcher } from "../lib/text-pattern.ts";
import { FakeClock } from "../../test/support/fake-clock.ts";
import { accountBook } from "../../test/support/account-fixtures.ts";

const key = "a-static-key-of-an-operator";
const book = await accountBook([
  { id: "app", key, fields: { models: ["cloud/*"] } },
  { id: "other", key: "another-static-key", fields: { roles: ["admin"] } },
]);
const access = keyedAccess(book);

function authenticate(control: AccessControl, headers: Record<string, string>, address?: string): Principal {
  const principal = control.authenticate({ headers: new Headers(headers), address });
  if (principal instanceof Promise) throw new Error("a key needs no waiting");
  return principal;
}

function refusal(headers: Record<string, string>): ApiError {
  try {
    authenticate(access, headers);
  } catch (error) {
    if (error instanceof ApiError) return error;
  }
  throw new Error("was not refused");
}

describe("a key is taken from", () => {
  for (
    const headers of [
      { authorization: `Bearer ${key}` },
      { authorization: `bearer ${key}` },
      { authorization: `Bearer  ${key} ` },
      { "api-key": key },
      { "x-api-key": key },
      { "x-goog-api-key": key },
    ]
  ) {
    test(JSON.stringify(headers).replace(key, "KEY"), () => {
      expect(authenticate(access, headers).id).toBe("app");
    });
  }
});

test("a stale token beside a good key does no harm", async () => {
  const tokens = {
    isToken: (text: string) => text.startsWith("ey"),
    verify: () => Promise.reject(new Error("stale")),
  };
  const control = keyedAccess(book, tokens as never);
  expect(authenticate(control, { authorization: "Bearer ey.a.b", "x-api-key": key }).id).toBe("app");
  const alone = control.authenticate({
    headers: new Headers({ authorization: "Bearer ey.a.b" }),
    address: undefined,
  });
  expect(await (alone as Promise<Principal>).catch((error) => error.message)).toBe("stale");
});

describe("a request is refused", () => {
  for (
    const [name, headers] of Object.entries<Record<string, string>>({
      "without a key": {},
      "with an empty bearer": { authorization: "Bearer " },
      "with another scheme": { authorization: `Basic ${key}` },
      "with a bare key": { authorization: key },
      "with a wrong key": { authorization: `Bearer ${key}x` },
      "with a prefix of a key": { authorization: `Bearer ${key.slice(0, -1)}` },
      "with two joined keys": { authorization: `Bearer ${key}, Bearer ${key}` },
      "with a huge key": { authorization: `Bearer ${"x".repeat(100_000)}` },
      "with SQL in the key": { authorization: "Bearer sk-' OR 1=1--" },
      "with an own key whose checksum is wrong": {
        authorization: `Bearer ${generateApiKey().key.slice(0, -1)}!`,
      },
    })
  ) {
    test(name, () => {
      const error = refusal(headers);
      expect([error.status, error.code]).toEqual([401, "invalid_api_key"]);
      expect(error.message).not.toContain(key.slice(0, 8));
    });
  }

  test("wrong and unknown keys get the same words", () => {
    expect(refusal({ authorization: "Bearer wrong-key-0001" }).message)
      .toBe(refusal({ authorization: `Bearer ${generateApiKey().key}` }).message);
  });
});

describe("open access", () => {
  const access = openAccess(new Set(["box.lan"]), new Set(["https://chat.example"]));
  const refused = (headers: Record<string, string>) => {
    try {
      authenticate(access, headers);
      return false;
    } catch (error) {
      return (error as ApiError).status === 403;
    }
  };

  test("lets whoever is on this machine do everything", () => {
    const principal = authenticate(access, { host: "127.0.0.1:8000" });
    expect(principal.roles).toContain("admin");
    expect(principal.mayUse("any/model")).toBe(true);
    for (const host of ["localhost", "[::1]:8000", "app.localhost:1", "box.lan:8000", "127.8.9.1"]) {
      expect([host, refused({ host })]).toEqual([host, false]);
    }
  });

  test("refuses names that only a web page could have bound to this machine", () => {
    for (
      const host of [
        "rebind.evil.example",
        "127.0.0.1.nip.io",
        "localhost.evil.example",
        "192.168.1.4:8000",
        "",
      ]
    ) {
      expect([host, refused({ host })]).toEqual([host, true]);
    }
  });

  test("refuses web pages but the named ones and its own", () => {
    const host = "127.0.0.1:8000";
    for (
      const origin of ["https://evil.example", "null", "http://127.0.0.1:3000", "https://127.0.0.1:8000"]
    ) {
      expect([origin, refused({ host, origin })]).toEqual([origin, true]);
    }
    for (const origin of ["https://chat.example", "http://127.0.0.1:8000"]) {
      expect([origin, refused({ host, origin })]).toEqual([origin, false]);
    }
  });
});

describe("api keys", () => {
  test("a generated key is plausible and unique", () => {
    const keys = Array.from({ length: 200 }, () => generateApiKey().key);
    expect(keys.every(isPlausibleApiKey)).toBe(true);
    expect(new Set(keys).size).toBe(200);
  });

  test("every single changed character of a generated key is noticed", () => {
    const { key } = generateApiKey();
    for (let index = 0; index < key.length; index++) {
      const changed = key.slice(0, index) + (key[index] === "a" ? "b" : "a") + key.slice(index + 1);
      if (changed.startsWith("sk-ir-")) expect(isPlausibleApiKey(changed)).toBe(false);
    }
  });
});

describe("target patterns", () => {
  for (
    const [pattern, target, expected] of [
      ["*", "a/b", true],
      ["cloud/*", "cloud/gpt", true],
      ["cloud/*", "clouds/gpt", false],
      ["cloud/gpt", "cloud/gpt-4", false],
      ["*/gpt-*-mini", "cloud/gpt-4o-mini", true],
      ["*/gpt-*-mini", "cloud/gpt-mini", false],
      ["a*a", "a", false],
      ["a*b*c", "a-c-b", false],
      ["a.c", "abc", false],
    ] as const
  ) {
    test(`${pattern} ${expected ? "covers" : "does not cover"} ${target}`, () => {
      expect(textMatcher([pattern])(target)).toBe(expected);
    });
  }
});

describe("the first admin key", () => {
  const clock = new FakeClock();

  test("works once it is kept, and after the next start", async () => {
    const [store, book] = [memory(), await accountBook()];
    const made = makeAdminKey(store, book, clock);
    expect(made.key).toStartWith("sk-ir-");
    expect(book.find(made.key)).toBeUndefined();
    expect(await made.keep()).toBe(true);
    const headers = { authorization: `Bearer ${made.key}` };
    expect(authenticate(keyedAccess(book), headers).permissions.has("keys.write")).toBe(true);
    expect(JSON.stringify([await store.list(""), book.keys()])).not.toContain(made.key);
    // A start that was cut off between the claim and the record.
    const later = await accountBook();
    await restoreAdminKey(store, later, clock);
    expect(later.find(made.key)).toHaveProperty("principal.roles", ["admin"]);
    await restoreAdminKey(store, later, clock);
    expect(later.keys()).toHaveLength(1);
  });

  test("is one only, whoever starts at the same time", async () => {
    const [store, book] = [memory(), await accountBook()];
    const [one, two] = [makeAdminKey(store, book, clock), makeAdminKey(store, book, clock)];
    expect(await Promise.all([one.keep(), two.keep()])).toEqual([true, false]);
    expect([book.find(one.key) !== undefined, book.find(two.key)]).toEqual([true, undefined]);
  });
});
