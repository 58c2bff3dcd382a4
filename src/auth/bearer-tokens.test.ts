import { beforeAll, describe, expect, test } from "bun:test";
import { createHmac } from "node:crypto";
import { exportJWK, exportSPKI, generateKeyPair, SignJWT } from "jose";
import type { ApiError } from "../lib/api-error.ts";
import { issuerSchema } from "../schema/settings.ts";
import { FakeClock } from "../../test/support/fake-clock.ts";
import { BearerTokens } from "./bearer-tokens.ts";
import { RoleBook } from "./permissions.ts";

const issuer = "https://login.example.org";
const audience = "intellirouter";
let keys: Awaited<ReturnType<typeof generateKeyPair>>;
let others: Awaited<ReturnType<typeof generateKeyPair>>;
let jwks: { keys: Record<string, unknown>[] };

beforeAll(async () => {
  [keys, others] = await Promise.all([
    generateKeyPair("ES256", { extractable: true }),
    generateKeyPair("ES256", { extractable: true }),
  ]);
  jwks = { keys: [{ ...await exportJWK(keys.publicKey), kid: "one", alg: "ES256" }] };
});

function setUp(fetch?: (url: string) => Promise<Response>) {
  const clock = new FakeClock();
  const fetched: string[] = [];
  const teams = new Set(["core"]);
  const tokens = new BearerTokens({
    issuers: [{
      ...issuerSchema.parse({
        name: "corp",
        issuer,
        audience,
        claims: { roles: "groups", team: "team", models: "models" },
        limits: { requests_per_minute: 5 },
        budget: { daily_usd: 1 },
        ...(fetch === undefined
          ? { jwks_file: "keys.json" }
          : { jwks_url: "https://login.example.org/keys" }),
      }),
      jwks: fetch === undefined ? jwks : undefined,
    }],
    roles: new RoleBook([{ name: "auditor", permissions: ["usage.read"] }]),
    fetch: (url) => {
      fetched.push(url);
      return fetch!(url);
    },
    clock,
    team: (id) => teams.has(id) ? { organisation: "house", accounts: [] } : undefined,
  });
  const sign = (
    claims: Record<string, unknown> = {},
    key = keys.privateKey,
    header: Record<string, unknown> = {},
  ) => {
    const now = Math.floor(clock.now() / 1000);
    return new SignJWT({ iss: issuer, aud: audience, sub: "ada", iat: now, exp: now + 600, ...claims })
      .setProtectedHeader({ alg: "ES256", kid: "one", ...header })
      .sign(key);
  };
  const refusal = async (token: string): Promise<ApiError> => {
    try {
      await tokens.verify(token);
    } catch (error) {
      return error as ApiError;
    }
    throw new Error("was not refused");
  };
  return { tokens, sign, refusal, clock, fetched, teams };
}

function part(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

describe("a token gives", () => {
  test("limits and a budget that are the caller's own", async () => {
    const { tokens, sign } = setUp();
    const accounts = async (sub: string) => (await tokens.verify(await sign({ sub }))).accounts;
    expect(await accounts("ada")).toMatchObject([
      { scope: "key:corp:ada", limits: { requests_per_minute: 5 }, budget: { daily_usd: 1 } },
    ]);
    expect((await accounts("bob"))[0]!.scope).toBe("key:corp:bob");
  });

  test("a caller with the roles, team, models and tenant that it names", async () => {
    const { tokens, sign } = setUp();
    const token = await sign({ groups: ["auditor", "unknown"], team: "core", models: "cloud/* edge/x" });
    const caller = await tokens.verify(token);
    expect([caller.id, caller.roles, caller.team, caller.organisation, caller.tenant]).toEqual([
      "corp:ada",
      ["auditor"],
      "core",
      "house",
      "corp:ada",
    ]);
    expect([...caller.permissions]).toEqual(["usage.read"]);
    expect([caller.mayUse("cloud/m"), caller.mayUse("edge/y")]).toEqual([true, false]);
  });

  test("the default roles where it names none", async () => {
    const { tokens, sign } = setUp();
    expect((await tokens.verify(await sign())).roles).toEqual(["developer"]);
  });

  test("its caller without a second look, until it expires", async () => {
    const { tokens, sign, clock } = setUp();
    const token = await sign({ exp: Math.floor(clock.now() / 1000) + 60 });
    const first = await tokens.verify(token);
    const again = tokens.verify(token);
    expect([again instanceof Promise, (again as typeof first).id]).toEqual([false, first.id]);
    await clock.advance(91_000);
    expect(await Promise.resolve(tokens.verify(token)).catch((error) => error.status)).toBe(401);
  });

  test("each caller his own rights, though tokens begin alike", async () => {
    const { tokens, sign } = setUp();
    const [one, two] = [await sign({ sub: "ada" }), await sign({ sub: "bob" })];
    expect((await tokens.verify(one)).id).toBe("corp:ada");
    expect((await tokens.verify(two)).id).toBe("corp:bob");
  });
});

test("a team that is switched off ends its tokens at once", async () => {
  const { tokens, sign, teams } = setUp();
  const token = await sign({ team: "core" });
  await tokens.verify(token);
  teams.delete("core");
  expect(() => tokens.verify(token)).toThrow("team");
});

test("long names that begin alike are different callers", async () => {
  const { tokens, sign } = setUp();
  const long = "x".repeat(200);
  const [one, two] = [
    await tokens.verify(await sign({ sub: `${long}1` })),
    await tokens.verify(await sign({ sub: `${long}2` })),
  ];
  expect(one.id).not.toBe(two.id);
});

describe("a token is refused", () => {
  const cases: Record<string, (world: ReturnType<typeof setUp>) => Promise<string> | string> = {
    "of another issuer": ({ sign }) => sign({ iss: "https://evil.example" }),
    "for somebody else": ({ sign }) => sign({ aud: "another-service" }),
    "signed with another key": ({ sign }) => sign({}, others.privateKey),
    "that has expired": ({ sign, clock }) => sign({ exp: Math.floor(clock.now() / 1000) - 31 }),
    "that is not good yet": ({ sign, clock }) => sign({ nbf: Math.floor(clock.now() / 1000) + 31 }),
    "that never expires": ({ sign }) => sign({ exp: undefined }),
    "of nobody": ({ sign }) => sign({ sub: undefined }),
    "of an unknown team": ({ sign }) => sign({ team: "ghosts" }),
    "without a signature": ({ clock }) =>
      `${part({ alg: "none" })}.${part({ iss: issuer, aud: audience, sub: "ada", exp: clock.now() })}.`,
    "that takes the public key for a shared secret": async ({ clock }) => {
      const content = `${part({ alg: "HS256", kid: "one" })}.${
        part({ iss: issuer, aud: audience, sub: "ada", exp: clock.now() })
      }`;
      const secret = await exportSPKI(keys.publicKey);
      return `${content}.${createHmac("sha256", secret).update(content).digest("base64url")}`;
    },
    "whose content was changed": async ({ sign }) => {
      const [head, body, signature] = (await sign()).split(".");
      const claims = JSON.parse(Buffer.from(body!, "base64url").toString());
      return `${head}.${part({ ...claims, sub: "root", groups: ["admin"] })}.${signature}`;
    },
    "with a key of its own": async ({ sign }) =>
      sign({}, others.privateKey, { jwk: await exportJWK(others.publicKey) }),
    "of a caller that is no text": ({ sign }) => sign({ sub: ["a", "b"] }),
    "that is garbage": () => "eyJhbGciOiJFUzI1NiJ9.e30.AAAA",
  };
  for (const [name, make] of Object.entries(cases)) {
    test(name, async () => {
      const world = setUp();
      const token = await make(world);
      const error = await world.refusal(token);
      expect([error.status, error.code]).toEqual([401, "invalid_api_key"]);
      expect(error.message).not.toContain(token.slice(10, 30));
    });
  }
});

describe("an issuer's keys", () => {
  test("are fetched by the gateway's own way out, once", async () => {
    const { tokens, sign, fetched } = setUp(() => Promise.resolve(Response.json(jwks)));
    await tokens.verify(await sign());
    await tokens.verify(await sign({ sub: "bob" }));
    expect(fetched).toEqual(["https://login.example.org/keys"]);
  });

  test("that cannot be had are the gateway's trouble and not the caller's", async () => {
    const { sign, refusal } = setUp(() => Promise.reject(new Error("no route")));
    expect((await refusal(await sign())).status).toBe(503);
    const broken = setUp(() => Promise.resolve(new Response("oops", { status: 500 })));
    expect((await broken.refusal(await broken.sign())).status).toBe(503);
  });
});

test("only compact tokens are taken for one", () => {
  const { tokens } = setUp();
  expect(tokens.isToken("sk-ir-000000000000-x")).toBe(false);
  expect(tokens.isToken(`eyJ${"x".repeat(20_000)}.e30.x`)).toBe(false);
});
