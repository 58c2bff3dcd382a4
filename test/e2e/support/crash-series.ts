import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { startUpstream } from "../../support/upstream.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";
import { executable, startGateway } from "./gateway.ts";

export interface CrashResult {
  /** Decision ids of the whole answers that clients have got. */
  readonly served: readonly string[];
  /** Ids of the books' rows that are not lost ones. */
  readonly rows: ReadonlySet<string>;
  readonly lost: number;
  /** Requests that the backend has seen. */
  readonly backend: number;
  /** US dollars. */
  readonly budget: { readonly limit: number; readonly spent: number };
}

const adminKey = "the-key-of-the-administrator";
const clients = 16;

/**
 * Kills a gateway under load so many times, each time at a moment of its own, and reads its books.
 *
 * @throws when `usage reconcile` finds a difference.
 */
export async function crashSeries(kills: number): Promise<CrashResult> {
  const upstream = await startUpstream();
  using folder = temporaryFolder();
  const data = join(folder.path, "data");
  const limit = 5;
  const config = `
[[providers]]
name = "cloud"
kind = "openai-compatible"
base_url = "${upstream.url}"
list_models = false
[[models]]
id = "cloud/normal"
price = { input = 100, output = 100 }
`;
  const file = join(folder.path, "gateway.toml");
  writeFileSync(file, config);
  const command = (...args: string[]) => {
    const run = Bun.spawnSync([executable, ...args, "--config", file, "--data-dir", data], {
      cwd: folder.path,
      env: { PATH: "/usr/bin:/bin" },
    });
    if (run.exitCode !== 0) throw new Error(run.stdout.toString() + run.stderr.toString());
    return run.stdout.toString();
  };
  const { id, key } = JSON.parse(command("keys", "create", "--json", "--budget", `total_usd=${limit}`));
  const served: string[] = [];
  try {
    for (let kill = 0; kill < kills; kill++) {
      const gateway = await startGateway({
        config,
        env: { INTELLIROUTER_ADMIN_KEY: adminKey },
        args: ["--data-dir", data],
      });
      const load = Array.from(
        { length: clients },
        (_, index) => askUntilGone(gateway.origin, key, index % 2 === 0, served),
      );
      await Bun.sleep(60 + Math.random() * 240);
      gateway.signal("SIGKILL");
      await Promise.all(load);
      await gateway.stop();
    }
    // The last crash is booked by the next start.
    const last = await startGateway({ config, args: ["--data-dir", data] });
    await last.stop();
    command("usage", "reconcile");
    const rows = command("usage", "export").trim().split("\n").map((line) => JSON.parse(line));
    const sums = JSON.parse(command("usage", "report", "--by", "key", "--key", id, "--json")) as {
      data: { cost_usd: number }[];
    };
    return {
      served,
      rows: new Set(rows.filter(({ outcome }) => outcome !== "lost").map((row) => row.id)),
      lost: rows.filter(({ outcome }) => outcome === "lost").length,
      backend: upstream.calls.length,
      budget: { limit, spent: sums.data[0]?.cost_usd ?? 0 },
    };
  } finally {
    await upstream.close();
  }
}

async function askUntilGone(origin: string, key: string, stream: boolean, served: string[]): Promise<void> {
  for (;;) {
    try {
      const response = await fetch(`${origin}/v1/chat/completions`, {
        method: "POST",
        headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
        body: JSON.stringify({
          model: "cloud/normal",
          max_tokens: 5,
          stream,
          messages: [{ role: "user", content: "Hi" }],
        }),
      });
      const text = await response.text();
      const isWhole = response.status === 200 && (!stream || text.endsWith("data: [DONE]\n\n"));
      if (isWhole) served.push(response.headers.get("x-intellirouter-decision")!);
    } catch {
      return;
    }
  }
}
