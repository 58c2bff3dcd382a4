import { afterAll, describe, expect, test } from "bun:test";
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
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

  test("test-router.sh says what is wrong", async () => {
    const gateway = await startGateway();
    started.push(gateway);
    const run = (...args: string[]) => Bun.spawnSync([join(root, "scripts/test-router.sh"), ...args]);
    const wrongModel = run("127.0.0.1", String(gateway.port), "no-such-model");
    expect([wrongModel.exitCode, wrongModel.stderr.toString()]).toEqual([1, expect.stringContaining("404")]);
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
    const verify = Bun.which("systemd-analyze");
    if (verify !== null) {
      expect(
        Bun.spawnSync([verify, "verify", join(root, "deployment/systemd/intellirouter.service")]).stderr
          .toString(),
      ).not.toContain("Unknown");
    }
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

  test("health tells containers the truth", async () => {
    const gateway = await startGateway();
    const ask = (...args: string[]) =>
      Bun.spawnSync([executable, "health", "--url", gateway.origin, ...args]).exitCode;
    expect([ask(), ask("--ready")]).toEqual([0, 0]);
    await gateway.stop();
    expect(ask()).toBe(1);
  });
});
