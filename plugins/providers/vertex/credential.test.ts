import { beforeAll, describe, expect, test } from "bun:test";
import type { EgressInit } from "intellirouter/plugin";
import { exportPKCS8, generateKeyPair, jwtVerify } from "jose";
import { temporaryFolder } from "../../../test/support/temporary-folder.ts";
import { testHost } from "../../../test/support/test-host.ts";
import { vertexCredential } from "./credential.ts";
import { vertexOptions } from "./options.ts";

const context = { requestId: "r", signal: new AbortController().signal };
const options = vertexOptions.parse({});
let privateKey = "";
let publicKey: CryptoKey;

beforeAll(async () => {
  const pair = await generateKeyPair("RS256", { extractable: true });
  privateKey = await exportPKCS8(pair.privateKey);
  publicKey = pair.publicKey;
});

function setUp(credentials: unknown, answer: (url: string) => Response) {
  let now = 1_700_000_000_000;
  const asked: { url: string; init: EgressInit; form: URLSearchParams }[] = [];
  const host = testHost({
    now: () => now,
    secret: (name) => name === "credentials" ? JSON.stringify(credentials) : undefined,
    fetch: (url, init = {}) => {
      asked.push({ url, init, form: new URLSearchParams(String(init.body ?? "")) });
      return Promise.resolve(answer(url));
    },
  });
  return { asked, host, advance: (hours: number) => void (now += hours * 3_600_000) };
}

const issued = () => Response.json({ access_token: "ya29.a", expires_in: 3_599, token_type: "Bearer" });
const account = () => ({
  type: "service_account",
  project_id: "my-project",
  private_key_id: "key-1",
  private_key: privateKey,
  client_email: "me@my-project.iam.gserviceaccount.com",
  token_uri: "https://oauth2.googleapis.com/token",
});

describe("credentials of Vertex AI", () => {
  test("a service account signs for a token", async () => {
    const { asked, host } = setUp(account(), issued);
    const credential = vertexCredential(options, host);
    expect(credential.project).toBe("my-project");
    expect(await credential.headers(context)).toEqual({ authorization: "Bearer ya29.a" });
    await credential.headers(context);
    expect(asked).toHaveLength(1);
    expect(asked[0]!.url).toBe("https://oauth2.googleapis.com/token");
    expect(asked[0]!.form.get("grant_type")).toBe("urn:ietf:params:oauth:grant-type:jwt-bearer");
    const { payload, protectedHeader } = await jwtVerify(asked[0]!.form.get("assertion")!, publicKey, {
      currentDate: new Date(host.now()),
    });
    expect(protectedHeader).toEqual({ alg: "RS256", typ: "JWT", kid: "key-1" });
    expect(payload).toEqual({
      iss: "me@my-project.iam.gserviceaccount.com",
      scope: "https://www.googleapis.com/auth/cloud-platform",
      aud: "https://oauth2.googleapis.com/token",
      iat: 1_700_000_000,
      exp: 1_700_003_600,
    });
  });

  test("a person's login is exchanged, and its project pays", async () => {
    const user = {
      type: "authorized_user",
      client_id: "id",
      client_secret: "hush-hush",
      refresh_token: "1//refresh",
      quota_project_id: "payer",
    };
    const { asked, host } = setUp(user, issued);
    const credential = vertexCredential(options, host);
    expect(await credential.headers(context)).toEqual({
      authorization: "Bearer ya29.a",
      "x-goog-user-project": "payer",
    });
    expect(Object.fromEntries(asked[0]!.form)).toEqual({
      grant_type: "refresh_token",
      refresh_token: "1//refresh",
      client_id: "id",
      client_secret: "hush-hush",
    });
    expect(credential.secrets).toEqual(["hush-hush", "1//refresh"]);
  });

  test("who may act as a service account asks as itself first", async () => {
    const impersonator = {
      type: "impersonated_service_account",
      service_account_impersonation_url:
        "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/gateway@p.iam.gserviceaccount.com:generateAccessToken",
      delegates: [],
      source_credentials: {
        type: "authorized_user",
        client_id: "id",
        client_secret: "hush-hush",
        refresh_token: "1//refresh",
      },
    };
    const { asked, host } = setUp(
      impersonator,
      (url) =>
        url.includes("iamcredentials")
          ? Response.json({ accessToken: "ya29.as-another", expireTime: "2023-11-14T23:13:20Z" })
          : issued(),
    );
    const credential = vertexCredential(options, host);
    expect(await credential.headers(context)).toEqual({ authorization: "Bearer ya29.as-another" });
    expect(asked).toHaveLength(2);
    expect(new Headers(asked[1]!.init.headers).get("authorization")).toBe("Bearer ya29.a");
    expect(JSON.parse(String(asked[1]!.init.body))).toEqual({
      scope: ["https://www.googleapis.com/auth/cloud-platform"],
      delegates: [],
      lifetime: "3600s",
    });
    expect(credential.secrets).toContain("hush-hush");
  });

  test("a workload's token is exchanged, and its file is read anew for the next", async () => {
    using folder = temporaryFolder({ token: "word-one" });
    const workload = {
      type: "external_account",
      audience:
        "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/pool/providers/cluster",
      subject_token_type: "urn:ietf:params:oauth:token-type:jwt",
      token_url: "https://sts.googleapis.com/v1/token",
      credential_source: { file: `${folder.path}/token` },
    };
    const { asked, host, advance } = setUp(workload, issued);
    const credential = vertexCredential(options, host);
    expect(await credential.headers(context)).toEqual({ authorization: "Bearer ya29.a" });
    folder.write("token", "word-two");
    advance(2);
    await credential.headers(context);
    expect(asked.map(({ url, form }) => [url, form.get("subject_token"), form.get("audience")])).toEqual([
      ["https://sts.googleapis.com/v1/token", "word-one", workload.audience],
      ["https://sts.googleapis.com/v1/token", "word-two", workload.audience],
    ]);
  });

  test("a workload that is refused is an error of our credentials, and one without its file, too", async () => {
    const workload = (file: string) => ({
      type: "external_account",
      audience: "//iam.googleapis.com/x",
      subject_token_type: "urn:ietf:params:oauth:token-type:jwt",
      token_url: "https://sts.googleapis.com/v1/token",
      credential_source: { file },
    });
    using folder = temporaryFolder({ token: "word" });
    const refusal = () =>
      Response.json({ error: "invalid_grant", error_description: "not mapped" }, { status: 400 });
    const fail = (file: string) =>
      vertexCredential(options, setUp(workload(file), refusal).host).headers(context).catch((error) => error);
    expect(await fail(`${folder.path}/token`)).toMatchObject({
      kind: "auth",
      message: expect.stringContaining("not mapped"),
    });
    expect(await fail("/nowhere")).toMatchObject({
      kind: "auth",
      message: expect.stringContaining("/nowhere"),
    });
  });

  test("a refusal is an error of our credentials, and an outage is none", async () => {
    const failing = (status: number, body: unknown) => () => Response.json(body, { status });
    const fail = (answer: () => Response) =>
      vertexCredential(options, setUp(account(), answer).host).headers(context).catch((error) => error);
    const refused = { error: "invalid_grant", error_description: "Invalid JWT Signature." };
    expect(await fail(failing(400, refused))).toMatchObject({
      kind: "auth",
      status: 400,
      message: "Google gives no access token: invalid_grant: Invalid JWT Signature.",
    });
    expect(await fail(failing(500, {}))).toMatchObject({ kind: "unavailable" });
    expect(await fail(() => Response.json({}))).toMatchObject({ kind: "bad_response" });
    expect(await fail(() => new Response("<html>", { status: 503 }))).toMatchObject({ kind: "overloaded" });
  });

  test("a key that is none says so without showing it", async () => {
    const { host } = setUp({ ...account(), private_key: "-----BEGIN hush-----" }, issued);
    const error = await vertexCredential(options, host).headers(context).catch((thrown) => thrown);
    expect(error).toMatchObject({ kind: "auth" });
    expect(String(error.message) + String(error.cause)).not.toContain("hush");
  });

  test("what is no such file is refused at once", () => {
    const withText = (text: string) =>
      testHost({ secret: (name) => name === "credentials" ? text : undefined });
    expect(() => vertexCredential(options, withText("/etc/key.json"))).toThrow("not its name");
    expect(() => vertexCredential(options, withText('{"type":"gdch_service_account"}'))).toThrow(
      "gdch_service_account",
    );
  });
});
