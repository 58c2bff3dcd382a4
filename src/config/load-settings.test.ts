import { expect, test } from "bun:test";
import { ConfigError } from "../lib/config-error.ts";
import { temporaryFolder } from "../../test/support/temporary-folder.ts";
import { type LoadOptions, loadSettings } from "./load-settings.ts";

/** What is wrong, one line each. */
async function errorOf(options: LoadOptions): Promise<string> {
  try {
    await loadSettings(options);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  throw new Error("these settings were expected to be refused");
}

test("without a file everything has its default", async () => {
  using folder = temporaryFolder();
  const loaded = await loadSettings({ environment: {}, cwd: folder.path });
  if (loaded.file === undefined) expect(loaded.directory).toBe(folder.path);
  expect(loaded.settings.routing.retries).toBe(2);
});

test("./config/config.toml is read when no file is named", async () => {
  using folder = temporaryFolder({ "config/config.toml": "[server]\nport = 8001" });
  const loaded = await loadSettings({ environment: {}, cwd: folder.path });
  expect(loaded.settings.server.port).toBe(8001);
  expect(loaded.file).toBe(`${folder.path}/config/config.toml`);
  expect(loaded.directory).toBe(`${folder.path}/config`);
});

test("a flag wins over the environment, the environment over the file, the file over the default", async () => {
  using folder = temporaryFolder({
    "a.toml": '[server]\nport = 8001\nhost = "file"\nidle_timeout_seconds = 20',
  });
  const { server } = (await loadSettings({
    configPath: "a.toml",
    flags: [{ path: ["server", "port"], value: 8003 }],
    environment: { INTELLIROUTER_SERVER__PORT: "8002", INTELLIROUTER_SERVER__HOST: "environment" },
    cwd: folder.path,
  })).settings;
  expect(server).toMatchObject({
    port: 8003,
    host: "environment",
    idle_timeout_seconds: 20,
    max_json_depth: 64,
  });
});

test("--config wins over INTELLIROUTER_CONFIG, which wins over the default files", async () => {
  using folder = temporaryFolder({
    "config/config.toml": "[server]\nport = 1",
    "variable.toml": "[server]\nport = 2",
    "flag.toml": "[server]\nport = 3",
  });
  const environment = { INTELLIROUTER_CONFIG: "variable.toml" };
  expect((await loadSettings({ environment, cwd: folder.path })).settings.server.port).toBe(2);
  expect(
    (await loadSettings({ configPath: "flag.toml", environment, cwd: folder.path })).settings.server.port,
  ).toBe(
    3,
  );
});

test("a named file that does not exist is an error, whoever named it", async () => {
  using folder = temporaryFolder();
  expect(await errorOf({ configPath: "none.toml", environment: {}, cwd: folder.path })).toContain(
    "none.toml does not exist",
  );
  expect(await errorOf({ environment: { INTELLIROUTER_CONFIG: "none.toml" }, cwd: folder.path })).toContain(
    "none.toml does not exist",
  );
});

test("a folder in place of the file is an error", async () => {
  using folder = temporaryFolder({ "sub/a": "" });
  expect(await errorOf({ configPath: "sub", environment: {}, cwd: folder.path })).toContain("cannot be read");
});

test("a wrong flag is reported", async () => {
  using folder = temporaryFolder({ "a.toml": "" });
  const flags = [{ path: ["server", "port"], value: 70_000 }];
  expect(await errorOf({ configPath: "a.toml", flags, environment: {}, cwd: folder.path })).toContain(
    '"server.port" must be at most 65535, not 70000.',
  );
});

test("problems of the environment and of the file are reported at once", async () => {
  using folder = temporaryFolder({ "a.toml": "[server]\nprot = 1" });
  const message = await errorOf({
    configPath: "a.toml",
    environment: { INTELLIROUTER_X: "1" },
    cwd: folder.path,
  });
  expect(message.split("\n")).toHaveLength(2);
});

test("a setting is found in the file, or else what holds it", async () => {
  using folder = temporaryFolder({
    "a.toml":
      '[[providers]]\nname = "a"\nkind = "mock"\n[[providers]]\nname = "b"\nkind = "mock"\noptions.deep = { er = [1, 2] }',
  });
  const { locate } = await loadSettings({ configPath: "a.toml", environment: {}, cwd: folder.path });
  const file = `${folder.path}/a.toml`;
  expect(await locate(["providers", 1, "kind"])).toEqual({ file, line: 6, column: 1 });
  expect(await locate(["providers", 1, "options", "deep", "er", 1])).toEqual({ file, line: 7, column: 27 });
  expect(await locate(["providers", 1, "absent"])).toEqual({ file, line: 4, column: 1 });
});
