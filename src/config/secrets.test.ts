import { describe, expect, test } from "bun:test";
import { providerSchema, type ProviderSettings } from "../schema/settings.ts";
import { temporaryFolder } from "../../test/support/temporary-folder.ts";
import { environmentKeys, providerSecrets } from "./secrets.ts";

function provider(fields: Record<string, unknown>): ProviderSettings {
  return providerSchema.parse({ name: "cloud", kind: "mock", ...fields });
}

const sources = { environment: {}, directory: "/nowhere" };

describe("a provider's key", () => {
  test("is absent when none is configured", () => {
    expect(providerSecrets(provider({}), sources)).toEqual({ secrets: {}, warnings: [] });
  });

  test("can stand in the file", () => {
    expect(providerSecrets(provider({ api_key: "secret" }), sources)).toEqual({
      secrets: { api_key: "secret" },
      warnings: [],
    });
  });

  test("comes from a variable", () => {
    expect(
      providerSecrets(provider({ api_key_env: "CLOUD_KEY" }), {
        ...sources,
        environment: { CLOUD_KEY: "secret\n" },
      }),
    ).toEqual({ secrets: { api_key: "secret" }, warnings: [] });
  });

  test("is only warned of when its variable is not set", () => {
    const result = providerSecrets(provider({ api_key_env: "CLOUD_KEY" }), sources);
    expect(result.secrets).toEqual({});
    expect(result.warnings).toEqual([expect.stringContaining("CLOUD_KEY")]);
  });

  test("comes from a file beside the configuration, without the line's end", () => {
    using folder = temporaryFolder({ "keys/cloud": "secret\r\n" });
    expect(
      providerSecrets(provider({ api_key_file: "keys/cloud" }), { environment: {}, directory: folder.path }),
    )
      .toEqual({ secrets: { api_key: "secret" }, warnings: [] });
  });

  test("comes from systemd's credentials first when its file is a bare name", () => {
    using folder = temporaryFolder({ cloud: "beside", "credentials/cloud": "credential" });
    const environment = { CREDENTIALS_DIRECTORY: `${folder.path}/credentials` };
    expect(providerSecrets(provider({ api_key_file: "cloud" }), { environment, directory: folder.path }))
      .toEqual(
        { secrets: { api_key: "credential" }, warnings: [] },
      );
    expect(providerSecrets(provider({ api_key_file: "./cloud" }), { environment, directory: folder.path }))
      .toEqual({ secrets: { api_key: "beside" }, warnings: [] });
  });

  test("must not be an empty or missing file, and the error names the file", () => {
    using folder = temporaryFolder({ empty: "\n" });
    const at = { environment: {}, directory: folder.path };
    expect(() => providerSecrets(provider({ api_key_file: "empty" }), at)).toThrow("is empty");
    expect(() => providerSecrets(provider({ api_key_file: "missing" }), at)).toThrow(
      `${folder.path}/missing`,
    );
  });
});

test("a provider may have further secrets, each from its own place", () => {
  using folder = temporaryFolder({ account: "{}" });
  const secrets = {
    secret_access_key: { env: "SECRET" },
    credentials: { file: "account" },
    gone: { env: "GONE" },
  };
  const found = providerSecrets(provider({ secrets }), {
    environment: { SECRET: "s" },
    directory: folder.path,
  });
  expect(found.secrets).toEqual({ secret_access_key: "s", credentials: "{}" });
  expect(found.warnings).toEqual([expect.stringContaining("secrets.gone")]);
});

describe("keys of callers from the environment", () => {
  const keyA = "a".repeat(16);
  const keyB = "b".repeat(16);

  test("are a list and one admin key", () => {
    const environment = {
      INTELLIROUTER_API_KEYS: `${keyA}, ${keyB}`,
      INTELLIROUTER_ADMIN_KEY: "c".repeat(20),
    };
    expect(environmentKeys({ environment, directory: "/" })).toEqual([
      { key: keyA, admin: false },
      { key: keyB, admin: false },
      { key: "c".repeat(20), admin: true },
    ]);
  });

  test("can be in files, one key a line", () => {
    using folder = temporaryFolder({ keys: `${keyA}\n${keyB}\n` });
    const environment = { INTELLIROUTER_API_KEYS_FILE: `${folder.path}/keys` };
    expect(environmentKeys({ environment, directory: "/" }).map(({ key }) => key)).toEqual([keyA, keyB]);
  });

  test("that are easy to guess are refused without being shown", () => {
    const call = () =>
      environmentKeys({ environment: { INTELLIROUTER_API_KEYS: "hunter2" }, directory: "/" });
    expect(call).toThrow("INTELLIROUTER_API_KEYS");
    expect(call).not.toThrow("hunter2");
  });
});
