/** Access to clouds, found by the executable itself where the clouds' own tools look, from services played on loopback. */
import { afterAll, describe, expect, test } from "bun:test";
import { type LoopbackServer, loopbackServer } from "../support/loopback-server.ts";
import { type Gateway, startGateway } from "./support/gateway.ts";

const started: AsyncDisposable[] = [];
afterAll(async () => {
  for (const each of started) await each[Symbol.asyncDispose]();
});

async function start(config: string, env: Readonly<Record<string, string>>, files = {}): Promise<Gateway> {
  const gateway = await startGateway({ config, env, files });
  started.push({ [Symbol.asyncDispose]: async () => void await gateway.stop() });
  return gateway;
}

async function play(...parameters: Parameters<typeof loopbackServer>): Promise<LoopbackServer> {
  const server = await loopbackServer(...parameters);
  started.push(server);
  return server;
}

async function answerOf(gateway: Gateway, model: string): Promise<string> {
  const response = await fetch(`${gateway.origin}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ model, messages: [{ role: "user", content: "Hello!" }] }),
  });
  // deno-lint-ignore no-explicit-any -- a test looks into whatever was sent.
  const body = await response.json() as any;
  return body.choices?.[0].message.content ?? body.error.message;
}

describe("AWS Bedrock", () => {
  const bedrock = () =>
    play(() => ({
      body: {
        output: { message: { role: "assistant", content: [{ text: "Hello there." }] } },
        stopReason: "end_turn",
        usage: { inputTokens: 5, outputTokens: 2, totalTokens: 7 },
      },
    }));
  const config = ({ origin }: LoopbackServer) =>
    `[[providers]]\nname = "aws"\nkind = "bedrock"\nbase_url = "${origin}"\nmodels = ["amazon.nova-lite-v1:0"]\n`;
  const keys = (id: string) => ({
    Code: "Success",
    AccessKeyId: id,
    SecretAccessKey: "secret-of-the-role",
    Token: `session-of-${id}`,
    Expiration: new Date(Date.now() + 6 * 3_600_000).toISOString(),
  });
  const signer = ({ asked }: LoopbackServer) => ({
    key: asked.at(-1)!.headers.authorization!.match(/Credential=(\w+)\/\d+\/([\w-]+)\//)!.slice(1).join(" "),
    session: asked.at(-1)!.headers["x-amz-security-token"],
  });

  test("the instance's account serves, and is asked for by the first request only", async () => {
    const backend = await bedrock();
    const instance = await play(({ method, path }) => {
      if (method === "PUT") return { type: "text/plain", body: "imds-token" };
      return path.endsWith("/") ? { type: "text/plain", body: "role" } : { body: keys("ASIAEC2") };
    });
    const gateway = await start(config(backend), {
      AWS_EC2_METADATA_SERVICE_ENDPOINT: instance.origin,
      AWS_REGION: "eu-west-1",
    });
    expect(instance.asked).toEqual([]);
    expect(await answerOf(gateway, "aws/amazon.nova-lite-v1:0")).toBe("Hello there.");
    expect(await answerOf(gateway, "aws/amazon.nova-lite-v1:0")).toBe("Hello there.");
    expect(signer(backend)).toEqual({ key: "ASIAEC2 eu-west-1", session: "session-of-ASIAEC2" });
    expect(instance.asked).toHaveLength(3);
  });

  test("a pod's account serves", async () => {
    const backend = await bedrock();
    const agent = await play(({ headers }) =>
      headers.authorization === "pod-token" ? { body: keys("ASIAPOD") } : { status: 401 }
    );
    const gateway = await start(config(backend), {
      AWS_CONTAINER_CREDENTIALS_FULL_URI: `${agent.origin}/v1/credentials`,
      AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: "token",
      AWS_REGION: "eu-west-1",
    }, { token: "pod-token" });
    expect(await answerOf(gateway, "aws/amazon.nova-lite-v1:0")).toBe("Hello there.");
    expect(signer(backend)).toEqual({ key: "ASIAPOD eu-west-1", session: "session-of-ASIAPOD" });
  });

  test("a role serves that a profile's keys assume", async () => {
    const backend = await bedrock();
    const sts = await play(() => ({
      type: "text/xml",
      body:
        `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>
        <AccessKeyId>ASIAROLE</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>session-of-role</SessionToken>
        <Expiration>${
          keys("").Expiration
        }</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`,
    }));
    const gateway = await start(
      config(backend),
      {
        AWS_PROFILE: "work",
        AWS_CONFIG_FILE: "aws.ini",
        AWS_SHARED_CREDENTIALS_FILE: "keys.ini",
        AWS_ENDPOINT_URL_STS: sts.origin,
      },
      {
        "aws.ini":
          "[profile work]\nrole_arn = arn:aws:iam::123456789012:role/gateway\nsource_profile = base\n" +
          "region = eu-central-1\n",
        "keys.ini": "[base]\naws_access_key_id = AKIDBASE\naws_secret_access_key = s\n",
      },
    );
    expect(await answerOf(gateway, "aws/amazon.nova-lite-v1:0")).toBe("Hello there.");
    expect(signer(backend)).toEqual({ key: "ASIAROLE eu-central-1", session: "session-of-role" });
    expect(sts.asked[0]!.headers.authorization).toContain("Credential=AKIDBASE/");
  });

  test("where there is nothing the answer says what was tried", async () => {
    const backend = await bedrock();
    const gateway = await start(config(backend), { AWS_EC2_METADATA_DISABLED: "true" });
    const message = await answerOf(gateway, "aws/amazon.nova-lite-v1:0");
    expect(message).toContain("There are no AWS credentials. Tried: environment: ");
    expect(backend.asked).toEqual([]);
  });
});

describe("Vertex AI", () => {
  const vertex = () =>
    play(() => ({
      body: { candidates: [{ content: { parts: [{ text: "Hello there." }] }, finishReason: "STOP" }] },
    }));
  const config = ({ origin }: LoopbackServer) =>
    `[[providers]]\nname = "google"\nkind = "vertex"\nbase_url = "${origin}"\nmodels = ["gemini-3-flash"]\n`;

  test("the machine's account serves in the machine's project, and is asked for by the first request only", async () => {
    const backend = await vertex();
    const machine = await play(({ path }) => ({
      headers: { "metadata-flavor": "Google" },
      body: path.endsWith("/project-id")
        ? "machine-project"
        : { access_token: "ya29.machine", expires_in: 3_600 },
    }));
    const gateway = await start(config(backend), {
      GCE_METADATA_HOST: machine.origin.replace("http://", ""),
      GOOGLE_CLOUD_LOCATION: "europe-west4",
    });
    expect(machine.asked).toEqual([]);
    for (let request = 0; request < 2; request++) {
      expect(await answerOf(gateway, "google/gemini-3-flash")).toBe("Hello there.");
    }
    expect(machine.asked).toHaveLength(2);
    expect(backend.asked[1]).toMatchObject({
      path:
        "/v1beta1/projects/machine-project/locations/europe-west4/publishers/google/models/gemini-3-flash:generateContent",
      headers: { authorization: "Bearer ya29.machine" },
    });
  });

  test("a workload's token in a file serves, exchanged as the named credentials say", async () => {
    const backend = await vertex();
    const exchange = await play(() => ({ body: { access_token: "ya29.workload", expires_in: 3_600 } }));
    const gateway = await start(
      config(backend),
      { GOOGLE_APPLICATION_CREDENTIALS: "federation.json", GOOGLE_CLOUD_PROJECT: "my-project" },
      {
        "token.json": '{"id":"word-of-the-cluster"}',
        "federation.json": JSON.stringify({
          type: "external_account",
          audience: "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/k",
          subject_token_type: "urn:ietf:params:oauth:token-type:jwt",
          token_url: `${exchange.origin}/v1/token`,
          credential_source: { file: "token.json", format: { type: "json", subject_token_field_name: "id" } },
        }),
      },
    );
    expect(await answerOf(gateway, "google/gemini-3-flash")).toBe("Hello there.");
    expect(new URLSearchParams(exchange.asked[0]!.body).get("subject_token")).toBe("word-of-the-cluster");
    expect(backend.asked[0]!.headers.authorization).toBe("Bearer ya29.workload");
    expect(gateway.stderr()).not.toContain("security risk");
  });
});
