import { describe, expect, test } from "bun:test";
import process from "node:process";
import type { UpstreamError } from "intellirouter/plugin";
import { environment } from "../../../test/support/environment.ts";
import { type LoopbackAnswer, loopbackServer } from "../../../test/support/loopback-server.ts";
import { temporaryFolder } from "../../../test/support/temporary-folder.ts";
import { testHost } from "../../../test/support/test-host.ts";
import { createBedrock } from "./create-provider.ts";
import { bedrockCredential } from "./credential.ts";
import { bedrockOptions } from "./options.ts";

const context = { requestId: "r", signal: new AbortController().signal };
const request = { method: "POST", url: "https://bedrock.example/model/m/converse", body: "{}" } as const;
const nowhere = { AWS_SHARED_CREDENTIALS_FILE: "/nowhere", AWS_CONFIG_FILE: "/nowhere" };
const off = { ...nowhere, AWS_EC2_METADATA_DISABLED: "true" };

/** What the gateway's host gives a plugin that declares the variable. */
const variable = (name: string) => process.env[name]?.trim() || undefined;

/** A process with these variables of AWS and no others. */
const aws = (variables: Readonly<Record<string, string>>) => environment(["AWS_"], variables);

function make(options: object = {}, secrets: Readonly<Record<string, string>> = {}) {
  const clock = { now: Date.now() };
  const host = testHost({ secret: (name) => secrets[name], variable, now: () => clock.now });
  const credential = bedrockCredential(bedrockOptions.parse(options), "eu-west-1", host);
  return { credential, clock, headers: () => credential.headers(request, context) };
}

/** The id of the key that signed, and the session's token. */
async function signedBy({ headers }: ReturnType<typeof make>) {
  const { authorization, "x-amz-security-token": session } = await headers();
  const [, id, region] = authorization!.match(/^AWS4-HMAC-SHA256 Credential=(\w+)\/\d{8}\/([\w-]+)\//)!;
  expect(region).toBe("eu-west-1");
  return session === undefined ? { id } : { id, session };
}

async function failureOf({ headers }: ReturnType<typeof make>): Promise<UpstreamError> {
  return await headers().then(() => Promise.reject(new Error("it found some")), (error) => error);
}

/** As the metadata service of an instance, and that of containers, gives them. */
const temporary = (id: string, until: number) => ({
  Code: "Success",
  Type: "AWS-HMAC",
  AccessKeyId: id,
  SecretAccessKey: "secret-of-the-role",
  Token: `session-of-${id}`,
  Expiration: new Date(until).toISOString(),
});

const hour = 3_600_000;

describe("what the configuration gives", () => {
  test("an API key goes as it is, whatever the environment has", async () => {
    using _ = aws({
      AWS_BEARER_TOKEN_BEDROCK: "other",
      AWS_ACCESS_KEY_ID: "ENV",
      AWS_SECRET_ACCESS_KEY: "s",
    });
    expect(await make({}, { api_key: "key" }).headers()).toEqual({ authorization: "Bearer key" });
  });

  test("keys sign, whatever the environment has", async () => {
    using _ = aws({
      AWS_BEARER_TOKEN_BEDROCK: "other",
      AWS_ACCESS_KEY_ID: "ENV",
      AWS_SECRET_ACCESS_KEY: "s",
    });
    const secrets = {
      access_key_id: "AKIDGIVEN",
      secret_access_key: "given-secret",
      session_token: "given-session",
    };
    const made = make({}, secrets);
    expect(await signedBy(made)).toEqual({ id: "AKIDGIVEN", session: "given-session" });
    expect(made.credential.secrets).toEqual(["given-secret", "given-session"]);
  });
});

describe("the environment", () => {
  test("has an API key of Bedrock", async () => {
    using _ = aws({ ...off, AWS_BEARER_TOKEN_BEDROCK: "bedrock-key", AWS_ACCESS_KEY_ID: "ENV" });
    const made = make();
    expect(await made.headers()).toEqual({ authorization: "Bearer bedrock-key" });
    expect(made.credential.secrets).toEqual(["bedrock-key"]);
  });

  test("has keys, with or without a session", async () => {
    const keys = { AWS_ACCESS_KEY_ID: "AKIDENV", AWS_SECRET_ACCESS_KEY: "env-secret" };
    {
      using _ = aws({ ...off, ...keys });
      expect(await signedBy(make())).toEqual({ id: "AKIDENV" });
    }
    using _ = aws({ ...off, ...keys, AWS_SESSION_TOKEN: "env-session" });
    const made = make();
    expect(await signedBy(made)).toEqual({ id: "AKIDENV", session: "env-session" });
    expect(made.credential.secrets).toEqual(["env-secret", "env-session"]);
  });
});

describe("shared files", () => {
  const files = {
    credentials: "[default]\naws_access_key_id = AKIDDEFAULT\naws_secret_access_key = a\n" +
      "[work]\naws_access_key_id = AKIDWORK\naws_secret_access_key = b\naws_session_token = session-of-work\n",
    config: "[default]\nregion = eu-west-3\n[profile work]\nregion = ap-south-1\n" +
      "[profile tool]\ncredential_process = echo " +
      `'{"Version":1,"AccessKeyId":"AKIDTOOL","SecretAccessKey":"c","SessionToken":"session-of-tool"}'\n`,
  };
  const named = (path: string, more: Readonly<Record<string, string>> = {}) =>
    aws({
      AWS_EC2_METADATA_DISABLED: "true",
      AWS_SHARED_CREDENTIALS_FILE: `${path}/credentials`,
      AWS_CONFIG_FILE: `${path}/config`,
      ...more,
    });

  test("have the default profile, and those that AWS_PROFILE or the option name", async () => {
    using folder = temporaryFolder(files);
    {
      using _ = named(folder.path);
      expect(await signedBy(make())).toEqual({ id: "AKIDDEFAULT" });
      expect(await signedBy(make({ profile: "tool" }))).toEqual({
        id: "AKIDTOOL",
        session: "session-of-tool",
      });
    }
    using _ = named(folder.path, {
      AWS_PROFILE: "work",
      AWS_ACCESS_KEY_ID: "ENV",
      AWS_SECRET_ACCESS_KEY: "s",
    });
    expect(await signedBy(make())).toEqual({ id: "AKIDWORK", session: "session-of-work" });
    expect(await signedBy(make({ profile: "default" }))).toEqual({ id: "AKIDDEFAULT" });
  });

  test("are read again, since tools write new keys into them", async () => {
    using folder = temporaryFolder(files);
    using _ = named(folder.path);
    const made = make();
    await signedBy(made);
    folder.write("credentials", files.credentials.replace("AKIDDEFAULT", "AKIDNEXT"));
    expect(await signedBy(made)).toEqual({ id: "AKIDDEFAULT" });
    made.clock.now += hour;
    expect(await signedBy(made)).toEqual({ id: "AKIDNEXT" });
  });

  test("are read again at once when AWS says that the keys are over", async () => {
    using folder = temporaryFolder(files);
    using _ = named(folder.path);
    const ids: string[] = [];
    const provider = await createBedrock(
      bedrockOptions.parse({ region: "eu-west-1" }),
      testHost({
        variable,
        fetch: (_url, init) => {
          ids.push(new Headers(init?.headers).get("authorization")!.match(/Credential=(\w+)/)![1]!);
          const headers = { "x-amzn-errortype": "ExpiredTokenException:http://example" };
          return Promise.resolve(Response.json({ message: "over" }, { status: 403, headers }));
        },
      }),
    );
    const ask = () => provider.listModels!(context).catch((error: UpstreamError) => error.kind as unknown);
    expect(await ask()).toBe("auth");
    folder.write("credentials", files.credentials.replace("AKIDDEFAULT", "AKIDNEXT"));
    expect(await ask()).toBe("auth");
    expect([...new Set(ids)]).toEqual(["AKIDDEFAULT", "AKIDNEXT"]);
  });

  test("give the region where neither the configuration nor a variable does", async () => {
    using folder = temporaryFolder(files);
    const asked = async (options: object) => {
      const hosts: string[] = [];
      const host = testHost({
        secret: () => "key",
        variable,
        fetch: (url) => {
          hosts.push(new URL(url).host);
          return Promise.resolve(Response.json({ modelSummaries: [] }));
        },
      });
      await (await createBedrock(bedrockOptions.parse(options), host)).listModels!(context);
      return hosts[0];
    };
    {
      using _ = named(folder.path);
      expect(await asked({})).toBe("bedrock.eu-west-3.amazonaws.com");
      expect(await asked({ profile: "work" })).toBe("bedrock.ap-south-1.amazonaws.com");
      expect(await asked({ region: "us-west-2" })).toBe("bedrock.us-west-2.amazonaws.com");
    }
    {
      using _ = named(folder.path, { AWS_DEFAULT_REGION: "sa-east-1" });
      expect(await asked({})).toBe("bedrock.sa-east-1.amazonaws.com");
    }
    {
      using _ = aws(nowhere);
      expect(await asked({})).toBe("bedrock.us-east-1.amazonaws.com");
    }
    using _ = named(folder.path, { AWS_REGION: "evil.example/x" });
    expect(await asked({}).catch((error) => String(error))).toContain("no AWS region");
  });

  test("that lack the profile of the option end the search there", async () => {
    using folder = temporaryFolder(files);
    using _ = named(folder.path, { AWS_ACCESS_KEY_ID: "ENV", AWS_SECRET_ACCESS_KEY: "s" });
    const failure = await failureOf(make({ profile: "gone" }));
    expect(failure).toMatchObject({ kind: "auth" });
    expect(failure.message).toMatch(/^There are no AWS credentials\. Tried: profile "gone": [^;]+\.$/);
  });
});

describe("a workload's token", () => {
  const success = (until: number) =>
    `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult>
    <Credentials><AccessKeyId>ASIAIRSA</AccessKeyId><SecretAccessKey>irsa-secret</SecretAccessKey>
    <SessionToken>irsa-session</SessionToken><Expiration>${
      new Date(until).toISOString()
    }</Expiration></Credentials>
    <AssumedRoleUser><Arn>arn:aws:sts::1:assumed-role/r/s</Arn><AssumedRoleId>A:s</AssumedRoleId></AssumedRoleUser>
    </AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`;
  const setUp = (origin: string, path: string) =>
    aws({
      ...off,
      AWS_WEB_IDENTITY_TOKEN_FILE: `${path}/token`,
      AWS_ROLE_ARN: "arn:aws:iam::123456789012:role/gateway",
      AWS_ROLE_SESSION_NAME: "gateway-1",
      AWS_ENDPOINT_URL_STS: origin,
    });

  test("is exchanged for keys, and the file is read anew for the next ones", async () => {
    using folder = temporaryFolder({ token: "token-one" });
    await using sts = await loopbackServer(() => ({ type: "text/xml", body: success(Date.now() + hour) }));
    using _ = setUp(sts.origin, folder.path);
    const made = make();
    expect(await signedBy(made)).toEqual({ id: "ASIAIRSA", session: "irsa-session" });
    expect(made.credential.secrets).toEqual(["irsa-secret", "irsa-session"]);
    await signedBy(made);
    folder.write("token", "token-two");
    made.clock.now += 2 * hour;
    await signedBy(made);
    const forms = sts.asked.map(({ body }) => Object.fromEntries(new URLSearchParams(body)));
    expect(forms).toEqual(["token-one", "token-two"].map((token) => ({
      Action: "AssumeRoleWithWebIdentity",
      Version: "2011-06-15",
      RoleArn: "arn:aws:iam::123456789012:role/gateway",
      RoleSessionName: "gateway-1",
      WebIdentityToken: token,
    })));
  });

  test("that is refused ends the search, and the refusal is told", async () => {
    using folder = temporaryFolder({ token: "token" });
    const refusal: LoopbackAnswer = {
      status: 403,
      type: "text/xml",
      body: "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code>" +
        "<Message>Not authorized to perform sts:AssumeRoleWithWebIdentity</Message></Error></ErrorResponse>",
    };
    await using sts = await loopbackServer(() => refusal);
    using _ = setUp(sts.origin, folder.path);
    const failure = await failureOf(make());
    expect(failure.kind).toBe("auth");
    expect(failure.message).toContain("web identity: AccessDenied: Not authorized to perform sts:Assume");
    expect(failure.message).not.toContain("instance:");
  });

  test("cannot be exchanged while the token service is away, which is an outage", async () => {
    using folder = temporaryFolder({ token: "token" });
    let origin = "";
    {
      await using gone = await loopbackServer(() => ({}));
      origin = gone.origin;
    }
    using _ = setUp(origin, folder.path);
    expect(await failureOf(make())).toMatchObject({ kind: "unavailable" });
  });
});

describe("a container's account", () => {
  test("is asked for with the token in the file, and again before its keys end", async () => {
    using folder = temporaryFolder({ token: "pod-token" });
    await using agent = await loopbackServer(() => ({ body: temporary("ASIAPOD", Date.now() + hour) }));
    using _ = aws({
      ...nowhere,
      AWS_CONTAINER_CREDENTIALS_FULL_URI: `${agent.origin}/v1/credentials`,
      AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: `${folder.path}/token`,
    });
    const made = make();
    expect(await signedBy(made)).toEqual({ id: "ASIAPOD", session: "session-of-ASIAPOD" });
    await signedBy(made);
    expect(agent.asked.map(({ path, headers }) => [path, headers.authorization])).toEqual([
      ["/v1/credentials", "pod-token"],
    ]);
    made.clock.now += hour - 4 * 60_000;
    folder.write("token", "next-pod-token");
    expect(await signedBy(made)).toEqual({ id: "ASIAPOD", session: "session-of-ASIAPOD" });
    while (agent.asked.length < 2) await new Promise((resolve) => setTimeout(resolve, 1));
    expect(agent.asked[1]!.headers.authorization).toBe("next-pod-token");
  });

  test("that is refused is not made up for by the instance's", async () => {
    await using agent = await loopbackServer(() => ({
      status: 400,
      body: { Code: "no", Message: "no role" },
    }));
    await using instance = await loopbackServer(() => ({ body: "never" }));
    using _ = aws({
      ...nowhere,
      AWS_CONTAINER_CREDENTIALS_FULL_URI: `${agent.origin}/credentials`,
      AWS_EC2_METADATA_SERVICE_ENDPOINT: instance.origin,
    });
    const failure = await failureOf(make());
    expect(failure.message).toContain("container: ");
    expect(instance.asked).toEqual([]);
  }, 20_000);
});

describe("an instance's account", () => {
  const answers: Record<string, () => LoopbackAnswer> = {
    "PUT /latest/api/token": () => ({ type: "text/plain", body: "imds-token" }),
    "GET /latest/meta-data/iam/security-credentials/": () => ({ type: "text/plain", body: "gateway-role" }),
    "GET /latest/meta-data/iam/security-credentials/gateway-role": () => ({
      body: temporary("ASIAEC2", Date.now() + 6 * hour),
    }),
  };

  test("is asked for with a session of the metadata service", async () => {
    await using instance = await loopbackServer(({ method, path }) =>
      answers[`${method} ${path}`]?.() ?? { status: 404 }
    );
    using _ = aws({ ...nowhere, AWS_EC2_METADATA_SERVICE_ENDPOINT: instance.origin });
    const made = make();
    expect(await signedBy(made)).toEqual({ id: "ASIAEC2", session: "session-of-ASIAEC2" });
    expect(instance.asked.map(({ method, path }) => `${method} ${path}`)).toEqual(Object.keys(answers));
    expect(instance.asked.slice(1).map(({ headers }) => headers["x-aws-ec2-metadata-token"])).toEqual([
      "imds-token",
      "imds-token",
    ]);
  });

  test("is asked for by the first request and by nothing before", async () => {
    await using instance = await loopbackServer(({ method, path }) =>
      answers[`${method} ${path}`]?.() ?? { status: 404 }
    );
    using _ = aws({ ...nowhere, AWS_EC2_METADATA_SERVICE_ENDPOINT: instance.origin });
    await createBedrock(bedrockOptions.parse({}), testHost({ variable }));
    expect(instance.asked).toEqual([]);
  });
});

describe("where there is nothing", () => {
  test("the error names all that was tried", async () => {
    using _ = aws(off);
    const failure = await failureOf(make());
    expect(failure.kind).toBe("auth");
    const tried = ["environment: ", 'profile "default": ', "web identity: ", "instance: switched off"];
    for (const name of tried) expect(failure.message).toContain(name);
  });

  test("a request that ends does not wait for the search", async () => {
    using _ = aws(off);
    const { credential } = make();
    const leaving = new AbortController();
    const left = credential.headers(request, { requestId: "r", signal: leaving.signal });
    leaving.abort("left");
    expect(await left.then(() => "found", (reason) => reason)).toBe("left");
  });
});
