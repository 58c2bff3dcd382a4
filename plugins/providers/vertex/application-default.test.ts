import { describe, expect, test } from "bun:test";
import type { UpstreamError } from "intellirouter/plugin";
import {
  type LoopbackAnswer,
  type LoopbackServer,
  loopbackServer,
} from "../../../test/support/loopback-server.ts";
import { temporaryFolder } from "../../../test/support/temporary-folder.ts";
import { egress, testHost } from "../../../test/support/test-host.ts";
import { createVertex } from "./create-provider.ts";
import { vertexCredential } from "./credential.ts";
import { vertexOptions } from "./options.ts";

const context = {
  requestId: "r",
  tenant: "t",
  signal: new AbortController().signal,
  reportLoss: () => {},
};

/** Plays Google's token service; requests to it come here. */
const tokenService = () =>
  loopbackServer(({ body }) => ({
    body: { access_token: `ya29.${new URLSearchParams(body).get("refresh_token")}`, expires_in: 3_600 },
  }));

/** Plays the metadata server of a machine. */
const metadata: Readonly<Record<string, unknown>> = {
  "/computeMetadata/v1/instance/service-accounts/default/token": {
    access_token: "ya29.machine",
    expires_in: 3_600,
  },
  "/computeMetadata/v1/project/project-id": "machine-project",
};
const metadataServer = () =>
  loopbackServer(({ path, headers }): LoopbackAnswer => {
    if (headers["metadata-flavor"] !== "Google") return { status: 403 };
    const body = metadata[path];
    return { status: body === undefined ? 404 : 200, headers: { "metadata-flavor": "Google" }, body };
  });

const login = (token: string, more = {}) =>
  JSON.stringify({
    type: "authorized_user",
    client_id: "i",
    client_secret: "s",
    refresh_token: token,
    ...more,
  });

function make(
  variables: Readonly<Record<string, string>>,
  { options = {}, service }: { readonly options?: object; readonly service?: LoopbackServer } = {},
) {
  const clock = { now: 1_700_000_000_000 };
  const asked: string[] = [];
  const host = testHost({
    variable: (name) => variables[name],
    now: () => clock.now,
    fetch: (url, init) => {
      asked.push(url);
      const moved = service === undefined
        ? url
        : url.replace("https://oauth2.googleapis.com", service.origin);
      return egress(moved, init);
    },
  });
  return { host, asked, clock, credential: vertexCredential(vertexOptions.parse(options), host) };
}

const headersOf = (made: ReturnType<typeof make>) => made.credential.headers(context);
const failureOf = (made: ReturnType<typeof make>): Promise<UpstreamError> =>
  headersOf(made).then(() => Promise.reject(new Error("it found some")), (error) => error);

describe("application default credentials", () => {
  test("are the file that GOOGLE_APPLICATION_CREDENTIALS names, read anew for each token", async () => {
    using folder = temporaryFolder({ "key.json": login("one", { quota_project_id: "payer" }) });
    await using service = await tokenService();
    const made = make({ GOOGLE_APPLICATION_CREDENTIALS: `${folder.path}/key.json` }, { service });
    expect(await headersOf(made)).toEqual({
      authorization: "Bearer ya29.one",
      "x-goog-user-project": "payer",
    });
    expect(await made.credential.findProject!(context)).toBe("payer");
    expect(made.credential.secrets).toEqual(["ya29.one", "s", "one"]);
    folder.write("key.json", login("two"));
    expect(await headersOf(made)).toMatchObject({ authorization: "Bearer ya29.one" });
    made.clock.now += 2 * 3_600_000;
    expect(await headersOf(made)).toEqual({ authorization: "Bearer ya29.two" });
  });

  test("are what gcloud's login leaves, in its folder or where it is moved to", async () => {
    using folder = temporaryFolder({
      ".config/gcloud/application_default_credentials.json": login("home"),
      "moved/application_default_credentials.json": login("moved"),
    });
    await using service = await tokenService();
    const home = { HOME: folder.path };
    expect(await headersOf(make(home, { service }))).toEqual({ authorization: "Bearer ya29.home" });
    const moved = { ...home, CLOUDSDK_CONFIG: `${folder.path}/moved`, GOOGLE_CLOUD_QUOTA_PROJECT: "payer" };
    expect(await headersOf(make(moved, { service }))).toEqual({
      authorization: "Bearer ya29.moved",
      "x-goog-user-project": "payer",
    });
  });

  test("are the machine's account where there is no file", async () => {
    await using server = await metadataServer();
    const made = make({ HOME: "/nowhere", GCE_METADATA_HOST: new URL(server.origin).host });
    expect(server.asked).toEqual([]);
    expect(await headersOf(made)).toEqual({ authorization: "Bearer ya29.machine" });
    expect(await made.credential.findProject!(context)).toBe("machine-project");
    await headersOf(made);
    expect(server.asked.map(({ path }) => path)).toEqual(Object.keys(metadata));
  });

  test("are the machine's account alone where the option says so", async () => {
    using folder = temporaryFolder({ "key.json": login("one") });
    await using server = await metadataServer();
    const variables = {
      GOOGLE_APPLICATION_CREDENTIALS: `${folder.path}/key.json`,
      GCE_METADATA_HOST: new URL(server.origin).host,
    };
    expect(await headersOf(make(variables, { options: { auth: "metadata" } }))).toEqual({
      authorization: "Bearer ya29.machine",
    });
  });

  test("are not looked for where the option says that the secrets are to serve", async () => {
    await using server = await metadataServer();
    const made = make({ GCE_METADATA_HOST: new URL(server.origin).host }, { options: { auth: "secrets" } });
    expect(await failureOf(made)).toMatchObject({ kind: "auth", message: expect.stringContaining("needs") });
    expect(server.asked).toEqual([]);
  });

  test("that are named but of no use end the search", async () => {
    using folder = temporaryFolder({
      "text.json": "no json",
      "kind.json": '{"type":"gdch_service_account"}',
    });
    await using server = await metadataServer();
    for (const [name, reason] of [["gone.json", "ENOENT"], ["text.json", "no JSON"], ["kind.json", "gdch"]]) {
      const made = make({
        GOOGLE_APPLICATION_CREDENTIALS: `${folder.path}/${name}`,
        GCE_METADATA_HOST: new URL(server.origin).host,
      });
      const failure = await failureOf(made);
      expect(failure.kind).toBe("auth");
      expect(failure.message).toContain(`${folder.path}/${name}`);
      expect(failure.message).toContain(reason!);
    }
    expect(server.asked).toEqual([]);
  });

  test("where there are none the error names all that was tried", async () => {
    let gone = "";
    {
      await using server = await metadataServer();
      gone = new URL(server.origin).host;
    }
    const failure = await failureOf(make({ HOME: "/nowhere", GCE_METADATA_HOST: gone }));
    expect(failure.kind).toBe("auth");
    const tried = [
      "GOOGLE_APPLICATION_CREDENTIALS: not set",
      "/nowhere/.config/gcloud/application_default_credentials.json: not there",
      `metadata server: No connection to http://${gone}`,
    ];
    for (const each of tried) expect(failure.message).toContain(each);
  });

  test("who answers in the place of the metadata server is not believed", async () => {
    await using portal = await loopbackServer(() => ({ body: { access_token: "phished", expires_in: 9 } }));
    const failure = await failureOf(make({ GCE_METADATA_HOST: new URL(portal.origin).host }));
    expect(failure).toMatchObject({ kind: "auth", message: expect.stringContaining("no metadata server") });
  });
});

describe("the project and the location", () => {
  const urlOf = async (variables: Readonly<Record<string, string>>, options: object) => {
    await using server = await metadataServer();
    const { host, asked } = make({ GCE_METADATA_HOST: new URL(server.origin).host, ...variables });
    const vertex = createVertex(vertexOptions.parse(options), {
      ...host,
      fetch: (url, init) => {
        if (url.startsWith(server.origin)) return host.fetch(url, init);
        asked.push(url);
        return Promise.resolve(Response.json({ candidates: [{ content: { parts: [{ text: "Hi" }] } }] }));
      },
    });
    const messages = [{ role: "user" as const, content: "Hi" }];
    await vertex.chat!.complete({ model: "gemini-3", messages } as never, context);
    return asked.at(-1)!.replace(/\/publishers.*/, "");
  };
  const root = (location: string) =>
    `https://${location === "global" ? "" : `${location}-`}aiplatform.googleapis.com/v1beta1`;

  test("are the options', the environment's, and at last the machine's own", async () => {
    const variables = { GOOGLE_CLOUD_PROJECT: "of-variable", GOOGLE_CLOUD_LOCATION: "europe-west4" };
    expect(await urlOf(variables, { project: "of-option", location: "us-east1" })).toBe(
      `${root("us-east1")}/projects/of-option/locations/us-east1`,
    );
    expect(await urlOf(variables, {})).toBe(
      `${root("europe-west4")}/projects/of-variable/locations/europe-west4`,
    );
    expect(await urlOf({}, {})).toBe(`${root("global")}/projects/machine-project/locations/global`);
  });

  test("a location that is none is refused: it becomes part of a host's name", () => {
    const { host } = make({ GOOGLE_CLOUD_LOCATION: "evil.example/" });
    expect(() => createVertex(vertexOptions.parse({}), host)).toThrow("no location");
  });
});
