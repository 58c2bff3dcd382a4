import { describe, expect, test } from "bun:test";
import { definePlugin, type ProviderDiscovery } from "intellirouter/plugin";
import { z } from "zod";
import { settle } from "../../test/support/fake-clock.ts";
import {
  discoverBuiltIn,
  discoverEnvironment,
  discoverLocal,
  type LocalDiscoveryOptions,
} from "./discovery.ts";

function plugin(name: string, discovery?: ProviderDiscovery) {
  return definePlugin({
    apiVersion: 1,
    kind: "provider",
    name,
    description: "",
    options: z.looseObject({}),
    create: () => ({}),
    ...(discovery === undefined ? {} : { discovery }),
  });
}

describe("by the environment", () => {
  const vendor = plugin("vendor", {
    environment: {
      secrets: { api_key: ["VENDOR_API_KEY", "VENDOR_TOKEN"] },
      options: { base_url: ["VENDOR_BASE_URL"] },
    },
  });

  test("a provider whose key is set is found, with its address when that is set", () => {
    expect(
      discoverEnvironment([vendor, plugin("other")], {
        VENDOR_TOKEN: " key \n",
        VENDOR_BASE_URL: "http://there",
      }),
    ).toMatchObject([
      {
        name: "vendor",
        options: { base_url: "http://there" },
        secrets: { api_key: "key" },
        origin: "environment",
        found: "VENDOR_TOKEN",
      },
    ]);
  });

  test("the first name that holds a key wins", () => {
    expect(discoverEnvironment([vendor], { VENDOR_TOKEN: "second", VENDOR_API_KEY: "first" })[0]?.secrets)
      .toEqual({ api_key: "first" });
  });

  test("an empty key is none, and an address alone is not enough", () => {
    expect(
      discoverEnvironment([vendor], {
        VENDOR_API_KEY: " ",
        VENDOR_TOKEN: "",
        VENDOR_BASE_URL: "http://there",
      }),
    ).toEqual([]);
  });

  test("a provider that needs several things is there only with all of one set", () => {
    const cloud = plugin("cloud", {
      environment: {
        secrets: { token: ["TOKEN"], id: ["ID"], secret: ["SECRET"] },
        options: { region: ["REGION", "DEFAULT_REGION"] },
        needs: [["token", "region"], ["id", "secret", "region"]],
      },
    });
    const found = (environment: Record<string, string>) => discoverEnvironment([cloud], environment)[0];
    expect(found({ ID: "i", REGION: "r" })).toBeUndefined();
    expect(found({ TOKEN: "t" })).toBeUndefined();
    expect(found({ ID: "i", SECRET: "s", DEFAULT_REGION: "r" })).toMatchObject({
      options: { region: "r" },
      secrets: { id: "i", secret: "s" },
      found: "ID",
    });
    expect(found({ TOKEN: "t", REGION: "r", DEFAULT_REGION: "q" })).toMatchObject({
      options: { region: "r" },
      found: "TOKEN",
    });
  });

  test("the key is nowhere but among the secrets", () => {
    const [found] = discoverEnvironment([vendor], { VENDOR_API_KEY: "hunter2" });
    expect(found?.secrets).toEqual({ api_key: "hunter2" });
    expect(JSON.stringify({ ...found, secrets: undefined })).not.toContain("hunter2");
  });
});

test("providers that need nothing are built in", () => {
  expect(
    discoverBuiltIn([plugin("mock", { always: true }), plugin("other")]).map((
      { name, origin },
    ) => [name, origin]),
  )
    .toEqual([["mock", "built-in"]]);
});

describe("on loopback", () => {
  const server = (name: string, ...ports: number[]) =>
    plugin(name, {
      loopback: {
        ports,
        path: "/version",
        recognise: ({ status, headers, text }) =>
          status === 200 && headers.get("server") !== "other" && text.includes(name),
        options: (origin) => ({ base_url: `${origin}/v1` }),
      },
    });

  function setUp(
    answers: Readonly<Record<number, () => Response | Promise<Response>>>,
    ownPorts: readonly number[] = [],
  ) {
    const asked: string[] = [];
    const controller = new AbortController();
    const options: LocalDiscoveryOptions = {
      probe: (url) => {
        asked.push(url);
        const answer = answers[Number(new URL(url).port)];
        return answer === undefined ? Promise.reject(new Error("refused")) : Promise.resolve().then(answer);
      },
      ownPorts: new Set(ownPorts),
      signal: controller.signal,
    };
    return { asked, controller, options };
  }

  test("a server that is recognised is found with its address", async () => {
    const { asked, options } = setUp({ 1111: () => new Response("I am llama 1.2") });
    expect(await discoverLocal([server("llama", 1111), server("absent", 2222)], options)).toMatchObject([
      {
        name: "llama",
        options: { base_url: "http://127.0.0.1:1111/v1" },
        origin: "loopback",
        found: "http://127.0.0.1:1111",
      },
    ]);
    expect(asked).toEqual(["http://127.0.0.1:1111/version", "http://127.0.0.1:2222/version"]);
  });

  test("another server on a usual port is not taken for it", async () => {
    const { options } = setUp({
      1111: () => new Response("nginx"),
      2222: () => new Response("llama", { status: 404 }),
    });
    expect(await discoverLocal([server("llama", 1111, 2222)], options)).toEqual([]);
  });

  test("another gateway of our kind is never taken for a model server", async () => {
    const { options } = setUp({ 1111: () => new Response("llama", { headers: { "x-intellirouter": "1" } }) });
    expect(await discoverLocal([server("llama", 1111)], options)).toEqual([]);
  });

  test("our own ports are not even asked", async () => {
    const { asked, options } = setUp({ 8000: () => new Response("llama") }, [8000]);
    expect(await discoverLocal([server("llama", 8000)], options)).toEqual([]);
    expect(asked).toEqual([]);
  });

  test("several of one kind get names of their own", async () => {
    const { options } = setUp({
      1: () => new Response("llama"),
      2: () => new Response("llama"),
      3: () => new Response("llama"),
    });
    expect((await discoverLocal([server("llama", 1, 2, 3)], options)).map(({ name }) => name)).toEqual([
      "llama",
      "llama-2",
      "llama-3",
    ]);
  });

  test("what has not answered in time is not there, even when it heeds no signal", async () => {
    const slow = new ReadableStream<Uint8Array>({
      start: (body) => body.enqueue(new TextEncoder().encode("llama")),
    });
    const { controller, options } = setUp({
      1: () => new Response("llama"),
      2: () => new Promise<Response>(() => {}),
      3: () => new Response(slow),
    });
    const found = discoverLocal([server("llama", 1, 2, 3)], options);
    await settle();
    controller.abort(new Error("time is up"));
    expect((await found).map(({ found }) => found)).toEqual(["http://127.0.0.1:1"]);
  });

  test("an endless answer is read only at its beginning", async () => {
    let pulls = 0;
    const endless = () =>
      new ReadableStream<Uint8Array>({
        pull: (body) => (pulls++, body.enqueue(new TextEncoder().encode("llama".repeat(2_000)))),
      });
    const { options } = setUp({ 1: () => new Response(endless()) });
    expect(await discoverLocal([server("llama", 1)], options)).toHaveLength(1);
    expect(pulls).toBeLessThan(20);
  });

  test("a plugin whose recognition throws finds nothing and disturbs no other", async () => {
    const broken = plugin("broken", {
      loopback: {
        ports: [1],
        path: "/",
        recognise: () => {
          throw new Error("broken");
        },
        options: () => ({}),
      },
    });
    const { options } = setUp({ 1: () => new Response("llama"), 2: () => new Response("llama") });
    expect((await discoverLocal([broken, server("llama", 2)], options)).map(({ name }) => name)).toEqual([
      "llama",
    ]);
  });
});
