import { expect, test } from "bun:test";
import type { Provider } from "intellirouter/plugin";
import azureOpenAi from "../../../plugins/providers/azure-openai/index.ts";
import { testHost } from "../../support/test-host.ts";
import { playWireFixtures } from "../../support/wire-fixtures.ts";

playWireFixtures({ folder: import.meta.dir, plugin: azureOpenAi, least: 15 });

function context(signal = new AbortController().signal) {
  return { requestId: "r", signal, reportLoss: () => {}, tenant: "default" };
}

async function setUp(secrets: Readonly<Record<string, string>>, token: () => Response) {
  let now = 1_000_000;
  const asked: { url: string; authorization: string | undefined; body: unknown }[] = [];
  const host = testHost({
    now: () => now,
    secret: (name) => secrets[name],
    fetch: (url, init) => {
      const headers = init?.headers as Record<string, string>;
      asked.push({ url, authorization: headers.authorization, body: init?.body });
      return Promise.resolve(
        url.includes("/oauth2/")
          ? token()
          : Response.json({ object: "list", data: [{ index: 0, embedding: [1] }], model: "m" }),
      );
    },
  });
  const options = azureOpenAi.options.parse({ base_url: "https://res.openai.azure.com/" });
  const provider = await azureOpenAi.create(options, host) as Provider;
  const embed = (signal?: AbortSignal) => provider.embeddings!.create({ model: "m", input: "x" }, context(signal));
  return { asked, embed, advance: (milliseconds: number) => void (now += milliseconds) };
}

const client = { tenant_id: "tenant", client_id: "client", client_secret: "hunter2-secret" };

test("one token of Entra ID serves many requests, is asked for once, and is replaced before it ends", async () => {
  let count = 0;
  const { asked, embed, advance } = await setUp(client, () =>
    Response.json({ token_type: "Bearer", expires_in: 3_600, access_token: `token-${++count}` }));
  await Promise.all([embed(), embed(), embed()]);
  expect(count).toBe(1);
  expect(asked[0]).toEqual({
    url: "https://login.microsoftonline.com/tenant/oauth2/v2.0/token",
    authorization: undefined,
    body: "grant_type=client_credentials&client_id=client&client_secret=hunter2-secret&scope=https%3A%2F%2Fcognitiveservices.azure.com%2F.default",
  });
  advance(54 * 60_000);
  await embed();
  expect(asked.at(-1)!.authorization).toBe("Bearer token-1");
  advance(2 * 60_000);
  // The first of these has the next one fetched and goes with the old one.
  await embed();
  await embed();
  expect(count).toBe(2);
  expect(asked.at(-1)!.authorization).toBe("Bearer token-2");
});

test("a client that is refused a token is an error of our credential, and the next request asks again", async () => {
  const { embed, asked } = await setUp(client, () => Response.json({ error: "invalid_client" }, { status: 401 }));
  for (let round = 1; round <= 2; round++) {
    const error = await embed().then(() => undefined, (thrown) => thrown);
    expect(error).toMatchObject({ kind: "auth", status: 401 });
    expect(error.message).not.toContain("hunter2");
    expect(asked).toHaveLength(round);
  }
});

test("a request that is given up does not take the token from the others", async () => {
  const answer = Promise.withResolvers<void>();
  const secrets = client;
  const host = testHost({
    secret: (name) => secrets[name as keyof typeof secrets],
    fetch: async (url) => {
      if (!url.includes("/oauth2/")) return Response.json({ object: "list", data: [{ index: 0, embedding: [1] }], model: "m" });
      await answer.promise;
      return Response.json({ expires_in: 3_600, access_token: "t" });
    },
  });
  const provider = await azureOpenAi.create(azureOpenAi.options.parse({ base_url: "https://h" }), host) as Provider;
  const leaving = new AbortController();
  const left = provider.embeddings!.create({ model: "m", input: "x" }, context(leaving.signal)).catch((error) => error);
  const stays = provider.embeddings!.create({ model: "m", input: "x" }, context());
  const reason = new Error("gone");
  leaving.abort(reason);
  expect(await left).toBe(reason);
  answer.resolve();
  expect((await stays).body.data).toHaveLength(1);
});

test("a given token goes as it is", async () => {
  const { asked, embed } = await setUp({ access_token: "given" }, () => new Response(null, { status: 500 }));
  await embed();
  expect(asked).toEqual([expect.objectContaining({ authorization: "Bearer given" })]);
});
