import { expect, test } from "bun:test";
import { statSync } from "node:fs";
import { temporaryFolder } from "../../test/support/temporary-folder.ts";
import { openDataDirectory } from "./data-directory.ts";

test("the flag wins over the variable, and that over every default", () => {
  using folder = temporaryFolder();
  const at = folder.path;
  const environment = {
    INTELLIROUTER_DATA_DIR: `${at}/variable`,
    STATE_DIRECTORY: `${at}/systemd:${at}/other`,
    XDG_STATE_HOME: `${at}/xdg`,
    HOME: `${at}/home`,
  };
  expect(openDataDirectory("flag", environment, at).path).toBe(`${at}/flag`);
  expect(openDataDirectory(undefined, environment, at).path).toBe(`${at}/variable`);
  const { INTELLIROUTER_DATA_DIR: _asked, ...defaults } = environment;
  expect(openDataDirectory(undefined, defaults, at).path).toBe(`${at}/systemd`);
  const { STATE_DIRECTORY: _state, ...withoutSystemd } = defaults;
  expect(openDataDirectory(undefined, withoutSystemd, at).path).toBe(`${at}/xdg/intellirouter`);
  expect(openDataDirectory(undefined, { HOME: environment.HOME }, at).path).toBe(
    `${at}/home/.local/state/intellirouter`,
  );
});

test("it is made for its owner alone", () => {
  using folder = temporaryFolder();
  const { path } = openDataDirectory("new", {}, folder.path);
  expect(statSync(path!).mode & 0o777).toBe(0o700);
});

test("an unusable folder is an error when asked for and a warning when not", () => {
  using folder = temporaryFolder({ file: "in the way" });
  const blocked = `${folder.path}/file`;
  expect(() => openDataDirectory(`${blocked}/data`, {}, folder.path)).toThrow("cannot be written");
  const result = openDataDirectory(undefined, { HOME: blocked }, folder.path);
  expect(result.path).toBeUndefined();
  expect(result.warning).toContain("in memory");
});

test("without any home the state is kept in memory, with a warning", () => {
  expect(openDataDirectory(undefined, {}, "/").warning).toContain("HOME");
});

test("a relative XDG_STATE_HOME is ignored, as its specification says", () => {
  using folder = temporaryFolder();
  const environment = { XDG_STATE_HOME: "state", HOME: folder.path };
  expect(openDataDirectory(undefined, environment, folder.path).path).toBe(
    `${folder.path}/.local/state/intellirouter`,
  );
});
