import { describe, expect, test } from "bun:test";
import { parse } from "smol-toml";
import { commandLine } from "../../test/support/command-line.ts";
import { temporaryFolder } from "../../test/support/temporary-folder.ts";

const mock = '[[providers]]\nname = "mock"\nkind = "mock"\n';
const leaves = [
  ["run"],
  ["check"],
  ["config", "print"],
  ["config", "schema"],
  ["config", "hash-key"],
  ["models"],
  ["explain"],
  ["health"],
  ["version"],
  ["completion"],
];

describe("every command", () => {
  test.each(leaves.map((words) => [words.join(" "), words] as const))(
    "%s has help, --config and --data-dir",
    async (_name, words) => {
      const { code, stdout, stderr } = await commandLine([...words, "--help"]);
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      expect(stdout).toContain("--config <file>");
      expect(stdout).toContain("--data-dir <folder>");
      expect(stdout).toContain("--no-color");
    },
  );
});

test("no command at all prints the help", async () => {
  const { code, stdout } = await commandLine([]);
  expect(code).toBe(0);
  expect(stdout).toContain("intellirouter run");
});

test.each([
  [["chekc"], "check"],
  [["run", "--prot", "1"], "--port"],
  [["check", "--jsno"], "--json"],
  [["config", "pritn"], "print"],
])("%j is a mistake of usage and gets a suggestion", async (words, suggestion) => {
  const { code, stdout, stderr } = await commandLine(words);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).toContain(`(Did you mean ${suggestion}?)`);
});

test.each([
  [["run", "--port", "65536"]],
  [["run", "--port", "8e3"]],
  [["run", "--role", "summarizer"]],
  [["health", "--url", "localhost"]],
  [["completion", "tcsh"]],
  [["completion"]],
  [["explain"]],
  [["explain", "--model", "x", "--header", "no value"]],
])("%j is refused as wrong usage", async (words) => {
  const { code, stdout, stderr } = await commandLine(words);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  expect(stderr).not.toBe("");
});

test("version says what it runs on, for people and as JSON", async () => {
  expect((await commandLine(["version"])).stdout).toMatch(
    /^intellirouter 1\.2\.3 \(\w+ [\d.]+, \w+-\w+\)\n$/,
  );
  expect(JSON.parse((await commandLine(["version", "--json"])).stdout)).toMatchObject({ version: "1.2.3" });
  expect((await commandLine(["--version"])).stdout).toBe("1.2.3\n");
});

describe("check", () => {
  test("tells what a good file holds", async () => {
    using folder = temporaryFolder({
      "a.toml": `${mock}[[routes]]\nname = "smart"\ntargets = ["mock/mock-llama"]`,
    });
    const { code, stdout } = await commandLine(["check", "--config", "a.toml"], { cwd: folder.path });
    expect(code).toBe(0);
    expect(stdout).toContain("1 provider (mock); 0 model names; 1 route (smart)");
    const json = await commandLine(["check", "--config", "a.toml", "--json"], { cwd: folder.path });
    expect(JSON.parse(json.stdout)).toMatchObject({ ok: true, providers: ["mock"], routes: ["smart"] });
  });

  test("names the place of a mistake on standard error and exits 2", async () => {
    using folder = temporaryFolder({ "a.toml": "[server]\nprot = 1" });
    const { code, stdout, stderr } = await commandLine(["check", "--config", "a.toml"], { cwd: folder.path });
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toBe(`${folder.path}/a.toml:2:1: unknown key "server.prot". Did you mean "port"?\n`);
  });

  test("finds plugins, plugin options and conditions that are wrong, with their places", async () => {
    const file = (text: string) => temporaryFolder({ "a.toml": text });
    for (
      const [text, place] of [
        ['[[providers]]\nname = "a"\nkind = "mokc"', /a\.toml:\d+:1: .*mock/],
        [`${mock}colour = "red"`, /a\.toml:4:1: .*colour/],
        [`${mock}[[routes]]\nname = "a"\nwhen = "size("\ntargets = ["mock/x"]`, /a\.toml:6:1: /],
        [
          `${mock}[[routes]]\nname = "a"\nstrategy = "priorty"\ntargets = ["mock/x"]`,
          /a\.toml:6:1: .*priority/,
        ],
      ] as const
    ) {
      using folder = file(text);
      const { code, stderr } = await commandLine(["check", "--config", "a.toml"], { cwd: folder.path });
      expect(code).toBe(2);
      expect(stderr).toMatch(place);
    }
  });

  test("prints warnings on standard error and still succeeds", async () => {
    using folder = temporaryFolder({ "a.toml": "[chromadb]" });
    const { code, stderr } = await commandLine(["check", "--config", "a.toml"], { cwd: folder.path });
    expect(code).toBe(0);
    expect(stderr).toContain("[chromadb]");
  });
});

describe("config", () => {
  const secret = "sk-very-secret";

  test("print gives TOML that means the same, secrets hidden unless asked for", async () => {
    using folder = temporaryFolder({ "a.toml": `${mock}api_key = "${secret}"` });
    const at = { cwd: folder.path };
    for (const flags of [[], ["--redacted"], ["--json"]]) {
      const { code, stdout } = await commandLine(["config", "print", "-c", "a.toml", ...flags], at);
      expect(code).toBe(0);
      expect(stdout).not.toContain(secret);
    }
    const { stdout } = await commandLine(["config", "print", "-c", "a.toml", "--show-secrets"], at);
    expect(parse(stdout)).toMatchObject({
      server: { port: 8000 },
      providers: [{ name: "mock", api_key: secret }],
    });
    const again = temporaryFolder({ "b.toml": stdout });
    expect(
      (await commandLine(["config", "print", "-c", "b.toml", "--show-secrets"], { cwd: again.path })).stdout,
    ).toBe(stdout);
    again[Symbol.dispose]();
  });

  test("print shows what the environment changes", async () => {
    const { stdout } = await commandLine(["config", "print", "--json"], {
      environment: { INTELLIROUTER_SERVER__PORT: "9000" },
    });
    expect(JSON.parse(stdout).server.port).toBe(9000);
  });

  test("schema is a JSON Schema that refuses unknown keys", async () => {
    const schema = JSON.parse((await commandLine(["config", "schema"])).stdout);
    expect(schema).toMatchObject({ type: "object", additionalProperties: false });
    expect(schema.properties.server.properties.port.description).toContain("Port");
  });

  test("hash-key reads a key from standard input and never repeats it", async () => {
    const key = "0123456789abcdef";
    const { code, stdout, stderr } = await commandLine(["config", "hash-key"], { stdin: `${key}\n` });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toBe("sha256:9f9f5111f7b27a781f1f1ddde5ebc2dd2b796bfc7365c9c28b548e564176929f\n");
  });

  test("hash-key asks on a terminal, and refuses short keys without showing them", async () => {
    expect(
      (await commandLine(["config", "hash-key"], { stdin: "0123456789abcdef", stdinIsTerminal: true }))
        .stderr,
    ).toContain("Type");
    const { code, stdout, stderr } = await commandLine(["config", "hash-key"], { stdin: "hunter2" });
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).not.toContain("hunter2");
  });
});

describe("explain", () => {
  const routes =
    `${mock}[[routes]]\nname = "smart"\nwhen = "headers['x-team'] == 'a'"\ntargets = ["mock/mock-llama"]`;

  test("tells the order of targets for a request", async () => {
    using folder = temporaryFolder({ "a.toml": routes });
    const { code, stdout } = await commandLine([
      "explain",
      "-c",
      "a.toml",
      "-m",
      "smart",
      "--header",
      "x-team=a",
    ], { cwd: folder.path });
    expect(code).toBe(0);
    expect(stdout).toContain('the route "smart"');
    expect(stdout).toMatch(/^1 +mock\/mock-llama/m);
  });

  test("exits 1 when nothing would serve", async () => {
    using folder = temporaryFolder({ "a.toml": routes });
    const { code, stderr } = await commandLine(["explain", "-c", "a.toml", "-m", "smart"], {
      cwd: folder.path,
    });
    expect(code).toBe(1);
    expect(stderr).toContain("smart");
  });

  test("takes a whole request from a file or standard input", async () => {
    const request = JSON.stringify({ model: "mock-llama", messages: [{ role: "user", content: "Hi" }] });
    using folder = temporaryFolder({ "request.json": request });
    const fromFile = await commandLine(["explain", "--json", "--request", "request.json"], {
      cwd: folder.path,
    });
    const fromInput = await commandLine(["explain", "--json", "--request", "-"], {
      cwd: folder.path,
      stdin: request,
    });
    expect(JSON.parse(fromFile.stdout)).toMatchObject({
      model: "mock-llama",
      candidates: [{ target: "mock/mock-llama", rank: 1 }],
    });
    expect(JSON.parse(fromInput.stdout)).toEqual(JSON.parse(fromFile.stdout));
  });

  test("says where a request that is no JSON comes from", async () => {
    const { code, stderr } = await commandLine(["explain", "--request", "-"], { stdin: "{" });
    expect(code).toBe(2);
    expect(stderr).toContain("not valid JSON");
  });
});

test("models lists names with what they stand for", async () => {
  using folder = temporaryFolder({ "a.toml": `${mock}[[models]]\nid = "fast"\ntarget = "mock/mock-llama"` });
  const at = { cwd: folder.path };
  expect((await commandLine(["models", "--no-ask", "-c", "a.toml"], at)).stdout).toMatch(
    /^fast +mock\/mock-llama/m,
  );
  const { data } = JSON.parse(
    (await commandLine(["models", "--no-ask", "--json", "-c", "a.toml"], at)).stdout,
  );
  expect(data.map(({ id }: { id: string }) => id)).toContain("fast");
});

describe("health", () => {
  function serve(status: number) {
    const asked: string[] = [];
    const server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: (request) => {
        asked.push(new URL(request.url).pathname);
        return new Response(null, { status });
      },
    });
    return { asked, port: server.port!, [Symbol.dispose]: () => void server.stop(true) };
  }

  test("asks the configured address, and loopback where that is every address", async () => {
    using gateway = serve(200);
    const environment = {
      INTELLIROUTER_SERVER__PORT: String(gateway.port),
      INTELLIROUTER_SERVER__HOST: "0.0.0.0",
    };
    expect(await commandLine(["health"], { environment })).toEqual({ code: 0, stdout: "ok\n", stderr: "" });
    expect((await commandLine(["health", "--ready"], { environment })).code).toBe(0);
    expect(gateway.asked).toEqual(["/livez", "/readyz"]);
  });

  test("exits 1 when the gateway is not well or not there", async () => {
    using gateway = serve(503);
    const sick = await commandLine(["health", "--json", "--url", `http://127.0.0.1:${gateway.port}/`]);
    expect(sick.code).toBe(1);
    expect(JSON.parse(sick.stdout)).toMatchObject({ ok: false });
    const { port } = gateway;
    gateway[Symbol.dispose]();
    expect((await commandLine(["health", "--url", `http://127.0.0.1:${port}`])).code).toBe(1);
  });
});

describe("completion", () => {
  /** What bash would offer after these words. */
  async function offered(...words: string[]): Promise<string[]> {
    using folder = temporaryFolder({ "completion.bash": (await commandLine(["completion", "bash"])).stdout });
    const script =
      'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _intellirouter; printf "%s\\n" "${COMPREPLY[@]}"';
    const { stdout, exitCode } = Bun.spawnSync([
      "bash",
      "-euc",
      script,
      "bash",
      `${folder.path}/completion.bash`,
      "intellirouter",
      ...words,
    ]);
    expect(exitCode).toBe(0);
    return stdout.toString().split("\n").filter((word) => word !== "");
  }

  test("bash completes commands, subcommands, options and choices", async () => {
    expect(await offered("chec")).toEqual(["check"]);
    expect(await offered("config", "")).toContain("hash-key");
    expect(await offered("config", "print", "--sh")).toEqual(["--show-secrets"]);
    expect(await offered("run", "--po")).toEqual(["--port"]);
    expect(await offered("completion", "f")).toEqual(["fish"]);
  });

  test("bash completes after an option and its value", async () => {
    expect(await offered("run", "--port", "9000", "--ho")).toEqual(["--host"]);
  });

  test.each(["bash", "zsh", "fish"])("%s names every command", async (shell) => {
    const { code, stdout } = await commandLine(["completion", shell]);
    expect(code).toBe(0);
    for (const words of leaves) expect(stdout).toContain(words.at(-1)!);
  });
});
