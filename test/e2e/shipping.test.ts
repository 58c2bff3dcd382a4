import { afterAll, describe, expect, test } from "bun:test";
import {
  chmodSync,
  closeSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { executable, freePort, type Gateway, startGateway, until } from "./support/gateway.ts";

const root = resolve(import.meta.dir, "../..");
const read = (path: string) => readFileSync(join(root, path), "utf8");

const started: Gateway[] = [];
afterAll(async () => {
  for (const gateway of started) await gateway.stop();
});

test("neither .env nor bunfig.toml of the current directory has a say", async () => {
  const gateway = await startGateway({
    files: {
      ".env": "INTELLIROUTER_LOGGING__LEVEL=silent\nOPENAI_API_KEY=sk-planted\n",
      ".env.local": "GROQ_API_KEY=gsk-planted\n",
      ".env.production": "MISTRAL_API_KEY=planted\n",
      "package.json": '{"type":"commonjs","imports":{"#x":"./planted.ts"},"main":"./planted.ts"}',
      "tsconfig.json": '{"compilerOptions":{"paths":{"zod":["./planted.ts"]}}}',
      "bunfig.toml": 'preload = ["./planted.ts"]\n',
      "planted.ts": 'require("node:fs").writeFileSync("planted-ran", "");',
    },
  });
  started.push(gateway);
  await until(() => gateway.stdout().includes("curl"));
  expect(existsSync(join(gateway.directory, "planted-ran"))).toBe(false);
  expect(gateway.stdout()).not.toMatch(/openai|groq|mistral/);
  expect(gateway.stderr()).toContain("listening");
});

test("an unexpected failure shows no development page", async () => {
  const gateway = await startGateway();
  started.push(gateway);
  const text = await (await fetch(`${gateway.origin}/no-such-page`, { headers: { accept: "text/html" } }))
    .text();
  expect(JSON.parse(text).error.code).toBe("unknown_url");
});

describe("in a root that holds only what the container's base has", () => {
  test("it serves, read-only, as user 65532, and ends on SIGTERM as process 1", async () => {
    const base = bareRoot();
    const port = await freePort();
    const child = Bun.spawn([
      "bwrap",
      "--ro-bind",
      base,
      "/",
      "--proc",
      "/proc",
      "--unshare-pid",
      "--as-pid-1",
      "--unshare-user",
      "--uid",
      "65532",
      "--gid",
      "65532",
      "--die-with-parent",
      "--clearenv",
      "--setenv",
      "HOME",
      "/home/nonroot",
      "--setenv",
      "INTELLIROUTER_SERVER__HOST",
      "0.0.0.0",
      "--chdir",
      "/",
      "/usr/local/bin/intellirouter",
      "run",
      "--port",
      String(port),
    ], { stdout: "pipe", stderr: "pipe" });
    let stdout = "";
    let stderr = "";
    const collecting = [
      (async () => {
        for await (const piece of child.stdout) stdout += new TextDecoder().decode(piece);
      })(),
      (async () => {
        for await (const piece of child.stderr) stderr += new TextDecoder().decode(piece);
      })(),
    ];
    await until(() => {
      if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}: ${stderr}`);
      return stdout.includes("curl");
    });
    expect(stderr).toContain("no writable data directory");
    const key = stdout.match(/sk-ir-[0-9A-Za-z]+-[0-9A-Za-z]+/)![0];
    const answer = await fetch(`http://127.0.0.1:${port}/v1/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${key}` },
      body: JSON.stringify({ model: "mock-llama", messages: [{ role: "user", content: "Hello!" }] }),
    });
    expect(answer.status).toBe(200);
    const write = () => writeFileSync(`/proc/${inside}/root/planted`, "");
    // The process inside is 1 there; here it is the sandbox's child.
    const inside = Number(
      readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, "utf8").trim().split(" ")[0],
    );
    expect(readFileSync(`/proc/${inside}/status`, "utf8")).toMatch(/^NSpid:\s+\d+\s+1$/m);
    expect(write).toThrow("EROFS");
    process.kill(inside, "SIGTERM");
    expect(await child.exited).toBe(0);
    await Promise.all(collecting);
    expect(stderr).toContain('"outcome":"clean"');
    chmodSync(base, 0o700);
    rmSync(base, { recursive: true, force: true });
  });
});

/** ld-linux and the libraries that the executable names, certificates, user names: what distroless/base has, and no shell. */
function bareRoot(): string {
  const base = mkdtempSync(join(tmpdir(), "intellirouter-base-"));
  const copy = (from: string, to = from) => {
    mkdirSync(join(base, dirname(to)), { recursive: true });
    cpSync(realpathSync(from), join(base, to));
  };
  const libraries = Bun.spawnSync(["ldd", executable]).stdout.toString();
  const paths = [...libraries.matchAll(/(\/\S+)/g)].map((match) => match[1]!);
  const names = paths.map((path) => path.split("/").at(-1)!.replace(/\.so.*/, "")).sort();
  expect(names).toEqual(["ld-linux-x86-64", "libc", "libdl", "libm", "libpthread"]);
  for (const path of paths) copy(path);
  copy("/etc/ssl/certs/ca-certificates.crt");
  copy(executable, "/usr/local/bin/intellirouter");
  chmodSync(join(base, "usr/local/bin/intellirouter"), 0o755);
  writeFileSync(join(base, "etc/passwd"), "nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n");
  writeFileSync(join(base, "etc/nsswitch.conf"), "hosts: files dns\n");
  for (const folder of ["proc", "home/nonroot"]) mkdirSync(join(base, folder), { recursive: true });
  chmodSync(base, 0o755);
  return base;
}

describe("the examples", () => {
  test("simple.toml is accepted, explained line by line, and serves", async () => {
    const text = read("examples/config/simple.toml");
    const lines = text.split("\n").filter((line) => line.trim() !== "" && line.trim() !== "]");
    expect(lines.filter((line) => !line.includes("#"))).toEqual([]);
    const checked = Bun.spawnSync([
      executable,
      "check",
      "--config",
      join(root, "examples/config/simple.toml"),
    ]);
    expect(checked.stdout.toString()).toContain("ok");
    expect(checked.stderr.toString()).toBe("");
    const gateway = await startGateway({ config: text });
    started.push(gateway);
    for (const model of ["fast", "smart", "whatever-a-client-has-built-in"]) {
      const result = Bun.spawnSync([
        join(root, "scripts/test-router.sh"),
        "127.0.0.1",
        String(gateway.port),
        model,
      ]);
      expect(result.stderr.toString()).toBe("");
      expect(result.exitCode).toBe(0);
    }
  });

  test("basic_usage.sh runs through", async () => {
    const gateway = await startGateway();
    started.push(gateway);
    const result = Bun.spawnSync([join(root, "examples/basic_usage.sh"), gateway.origin]);
    expect(result.exitCode).toBe(0);
    expect(result.stdout.toString()).toContain("data: [DONE]");
    expect(result.stdout.toString()).toContain('"tool_calls"');
  });

  test("both scripts take a key from the environment, and an IPv6 address", async () => {
    const gateway = await startGateway({
      config: '[server]\nhost = "::1"\n[auth]\nmode = "required"\n[discovery]\nmock = "on"\n',
      env: { INTELLIROUTER_API_KEYS: "the-key-of-these-scripts" },
      expectFailure: true,
    });
    started.push(gateway);
    await until(() => gateway.stdout().includes("curl"));
    const run = (command: string, args: string[], key: string) =>
      Bun.spawnSync([join(root, command), ...args], {
        env: { PATH: process.env.PATH!, INTELLIROUTER_API_KEY: key },
      });
    const address = ["::1", String(gateway.port)];
    expect(run("scripts/test-router.sh", address, "the-key-of-these-scripts").exitCode).toBe(0);
    const refused = run("scripts/test-router.sh", address, "another-key-altogether");
    expect([refused.exitCode, refused.stderr.toString()]).toEqual([1, expect.stringContaining("401")]);
    const base = [`http://[::1]:${gateway.port}`];
    expect(run("examples/basic_usage.sh", base, "the-key-of-these-scripts").exitCode).toBe(0);
    expect(run("examples/basic_usage.sh", base, "another-key-altogether").exitCode).not.toBe(0);
  });

  test("test-router.sh says what is wrong", async () => {
    const gateway = await startGateway();
    started.push(gateway);
    const run = (...args: string[]) => Bun.spawnSync([join(root, "scripts/test-router.sh"), ...args]);
    const wrongModel = run("127.0.0.1", String(gateway.port), "no-such-model");
    expect([wrongModel.exitCode, wrongModel.stderr.toString()]).toEqual([1, expect.stringContaining("404")]);
    const noCurl = Bun.spawnSync(["/bin/sh", join(root, "scripts/test-router.sh")], {
      env: { PATH: "/nonexistent" },
    });
    expect([noCurl.exitCode, noCurl.stderr.toString()]).toEqual([
      1,
      expect.stringContaining("curl is needed"),
    ]);
    const nobody = run("127.0.0.1", String(await freePort()));
    expect([nobody.exitCode, nobody.stderr.toString()]).toEqual([
      1,
      expect.stringContaining("nothing answers"),
    ]);
  });
});

describe("the shipping forms", () => {
  test("the systemd unit is hardened and clears what would make the executable run other code", () => {
    const unit = read("deployment/systemd/intellirouter.service");
    for (
      const line of [
        "ExecStart=/usr/local/bin/intellirouter run",
        "UnsetEnvironment=BUN_OPTIONS BUN_BE_BUN",
        "DynamicUser=yes",
        "StateDirectory=intellirouter",
        "NoNewPrivileges=yes",
        "ProtectSystem=strict",
        "ProtectHome=yes",
        "PrivateTmp=yes",
        "CapabilityBoundingSet=",
        "SystemCallFilter=@system-service",
        "ExecReload=/bin/kill -HUP $MAINPID",
        "RestartPreventExitStatus=2",
      ]
    ) expect(unit.split("\n")).toContain(line);
    // It would hide /proc/self, without which the runtime does not start; or take the compiler away.
    expect(unit).not.toMatch(/^(ProcSubset=pid|MemoryDenyWriteExecute=yes)/m);
  });

  test("the systemd unit is what systemd understands", () => {
    const unit = read("deployment/systemd/intellirouter.service");
    const sections = new Map<string, string[]>();
    let section: string[] | undefined;
    for (const line of unit.split("\n").filter((text) => text !== "" && !text.startsWith("#"))) {
      const name = line.match(/^\[(\w+)\]$/)?.[1];
      if (name !== undefined) sections.set(name, section = []);
      else section!.push(line.match(/^([A-Z]\w+)=/)![1]!);
    }
    expect([...sections.keys()]).toEqual(["Unit", "Service", "Install"]);
    for (const names of sections.values()) expect(names).toEqual([...new Set(names)]);
    const verifier = Bun.which("systemd-analyze");
    if (verifier === null) return;
    // It also asks whether the program is there.
    const folder = mkdtempSync(join(tmpdir(), "intellirouter-unit-"));
    const file = join(folder, "intellirouter.service");
    writeFileSync(file, unit.replace("ExecStart=/usr/local/bin/intellirouter", `ExecStart=${executable}`));
    const result = Bun.spawnSync([verifier, "verify", "--man=no", file]);
    rmSync(folder, { recursive: true });
    expect([result.stderr.toString(), result.exitCode]).toEqual(["", 0]);
  });

  test("the Dockerfile copies what exists and runs as nobody on distroless/base", () => {
    const dockerfile = read("Dockerfile");
    for (const [, sources] of dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)) {
      for (const source of sources!.split(" ")) expect(existsSync(join(root, source))).toBe(true);
    }
    const ignored = read(".dockerignore");
    for (const [, sources] of dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)) {
      for (const source of sources!.split(" ")) expect(ignored).toContain(`!${source}`);
    }
    expect(dockerfile).toMatch(/^FROM gcr\.io\/distroless\/base-debian12:nonroot$/m);
    expect(dockerfile).toMatch(/^USER 65532:65532$/m);
    expect(dockerfile).toMatch(/^ENTRYPOINT \["\/usr\/local\/bin\/intellirouter"\]$/m);
    expect(dockerfile).toContain(
      `FROM oven/bun:${JSON.parse(read("package.json")).packageManager.split("@")[1]} AS build`,
    );
  });

  test(
    "the Dockerfile's build stage needs nothing but what it copies, and builds for other systems, too",
    async () => {
      const folder = mkdtempSync(join(tmpdir(), "intellirouter-stage-"));
      const stage = read("Dockerfile").split(/^FROM /m)[1]!.replaceAll("\\\n", " ");
      for (const [, sources, target] of stage.matchAll(/^COPY (.+) (\S+)$/gm)) {
        for (const source of sources!.split(" ")) {
          const into = target!.endsWith("/") ? join(target!, basename(source)) : target!;
          // .dockerignore keeps the tests out.
          cpSync(join(root, source), join(folder, into), {
            recursive: true,
            filter: (path) => !path.endsWith(".test.ts"),
          });
        }
      }
      const commands = [...stage.matchAll(/^RUN (.+)$/gm)].map((match) => match[1]!)
        .filter((command) => !command.includes("/state/"));
      expect(commands.length).toBe(2);
      const inStage = async (command: string) => {
        const child = Bun.spawn(["sh", "-euc", command], {
          cwd: folder,
          env: { PATH: process.env.PATH!, HOME: process.env.HOME ?? folder },
          stdout: "pipe",
          stderr: "pipe",
        });
        const [stdout, stderr, code] = await Promise.all([
          new Response(child.stdout).text(),
          new Response(child.stderr).text(),
          child.exited,
        ]);
        expect([command, code, code === 0 ? "" : stderr]).toEqual([command, 0, ""]);
        return stdout;
      };
      for (const command of commands) await inStage(command);
      expect(await inStage("dist/intellirouter version")).toContain(JSON.parse(read("package.json")).version);
      await inStage("scripts/build.sh --target bun-linux-x64-musl");
      const musl = openSync(join(folder, "dist/intellirouter-linux-x64-musl"), "r");
      const head = Buffer.alloc(4096);
      readSync(musl, head);
      closeSync(musl);
      expect(head.toString("latin1")).toContain("/lib/ld-musl-x86_64.so.1");
      expect(readdirSync(join(folder, "dist")).sort()).toEqual([
        "intellirouter",
        "intellirouter-linux-x64-musl",
      ]);
      const unknown = Bun.spawnSync(["scripts/build.sh", "--target", "no-such-system"], { cwd: folder });
      expect([unknown.exitCode, unknown.stderr.toString()]).toEqual([
        2,
        expect.stringContaining("bun-linux-x64"),
      ]);
      rmSync(folder, { recursive: true, force: true });
    },
    120_000,
  );

  test("health tells containers the truth", async () => {
    const gateway = await startGateway();
    const ask = (...args: string[]) =>
      Bun.spawnSync([executable, "health", "--url", gateway.origin, ...args]).exitCode;
    expect([ask(), ask("--ready")]).toEqual([0, 0]);
    await gateway.stop();
    expect(ask()).toBe(1);
  });
});
