/** `intellirouter rag`, alone and beside a gateway that runs; what the operator adds is everybody's to search. */
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type OpenAI from "openai";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { executable, type Gateway, startGateway } from "./support/gateway.ts";
import {
  adminKey,
  configuration,
  connect,
  type RetrievalUpstream,
  startRetrievalUpstream,
  statusOf,
} from "./support/retrieval.ts";

let upstream: RetrievalUpstream;
let folder: ReturnType<typeof temporaryFolder>;
beforeAll(async () => {
  upstream = await startRetrievalUpstream();
});
beforeEach(() => {
  folder = temporaryFolder();
  upstream.behave({});
});
afterEach(() => folder[Symbol.dispose]());
afterAll(() => upstream.close());

function write(files: Readonly<Record<string, string | Uint8Array>>): void {
  for (const [name, content] of Object.entries(files)) {
    const path = join(folder.path, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
  }
}

async function rag(args: readonly string[], stdin = "") {
  const config = join(folder.path, "gateway.toml");
  const child = Bun.spawn(
    [executable, "rag", ...args, "--config", config, "--data-dir", join(folder.path, "data")],
    {
      cwd: folder.path,
      env: { PATH: "/usr/bin:/bin" },
      stdin: new Blob([stdin]),
      stdout: "pipe",
      stderr: "pipe",
    },
  );
  const [stdout, stderr, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { stdout, stderr, code };
}

async function json(args: readonly string[], stdin?: string) {
  const { stdout, stderr, code } = await rag([...args, "--json"], stdin);
  return { code, stderr, ...JSON.parse(stdout) };
}

const embedding = '[retrieval]\nembedding_model = "cloud/embedder"\n';
const documents = {
  "docs/returns.md": "# Returns\n\nGoods can be returned within 30 days.",
  "docs/deep/shipping.txt": "We ship to Norway on Fridays.",
  "docs/.hidden/secret.md": "Nobody looks here.",
  "docs/picture.png": "no document",
};

test("documents are added, found, left alone while they stay the same, replaced and removed", async () => {
  write({ ...documents, "gateway.toml": configuration(upstream.url) });
  const statuses = async (...more: string[]) =>
    (await json(["add", "docs", "-s", "kb", ...more])).data.map((
      { name, status }: { name: string; status: string },
    ) => `${name} ${status}`);
  expect(await statuses()).toEqual(["deep/shipping.txt completed", "returns.md completed"]);
  expect(await statuses()).toEqual(["deep/shipping.txt unchanged", "returns.md unchanged"]);
  write({ "docs/returns.md": "# Returns\n\nGoods can be returned within 60 days." });
  expect(await statuses()).toEqual(["deep/shipping.txt unchanged", "returns.md completed"]);
  const texts = async (query: string) =>
    (await json(["search", query, "-s", "kb"])).data.map(({ content }: { content: { text: string }[] }) =>
      content[0]!.text
    );
  expect(await texts("returned goods")).toEqual(["# Returns\n\nGoods can be returned within 60 days."]);
  expect((await json(["list"])).data).toMatchObject([{
    name: "kb",
    file_counts: { completed: 2, total: 2 },
  }]);
  expect((await rag(["remove", "deep/shipping.txt", "-s", "kb"])).code).toBe(0);
  expect(await texts("Norway")).toEqual([]);
  expect((await json(["list", "-s", "kb"])).data.map(({ filename }: { filename: string }) => filename))
    .toEqual([
      "returns.md",
    ]);
  expect((await rag(["remove", "-s", "kb", "--everything"])).stdout).toBe("removed 1 files\n");
  expect((await json(["list"])).data).toEqual([]);
}, 60_000);

test("standard input is a document, too; what cannot be read is told of and the rest is added", async () => {
  write({
    "gateway.toml": configuration(upstream.url),
    "good.md": "Something good.",
    "bad.bin": new Uint8Array([0, 1]),
  });
  expect((await json(["add", "-", "--name", "notes.md"], "Robots have names.")).data).toMatchObject([
    { name: "notes.md", status: "completed", chunks: 1 },
  ]);
  const { code, data, stderr } = await json(["add", "bad.bin", "good.md"]);
  expect(data).toMatchObject([{ name: "bad.bin", status: "failed" }, {
    name: "good.md",
    status: "completed",
  }]);
  expect([code, stderr]).toEqual([1, "intellirouter: 1 of 2 files could not be added\n"]);
  expect((await json(["list", "-s", "default"])).data).toHaveLength(2);
}, 60_000);

test("mistakes are told of", async () => {
  write({ "gateway.toml": configuration(upstream.url) });
  const complaint = async (...args: string[]) => {
    const { code, stderr } = await rag(args);
    return `${code} ${stderr}`;
  };
  expect(await complaint("add", "nowhere")).toBe('1 intellirouter: there is no file or folder "nowhere"\n');
  expect(await complaint("search", "x", "-s", "none")).toBe(
    '1 intellirouter: there is no vector store "none"\n',
  );
  expect(await complaint("reembed", "none")).toContain("there is no embedding model");
  expect((await rag(["add", "-", "-s", "kb"], "text")).code).toBe(0);
  expect(await complaint("remove", "-s", "kb")).toContain("2 intellirouter: say what to remove");
  expect(await complaint("remove", "x", "-s", "kb")).toBe(
    '1 intellirouter: the vector store "kb" has no file "x"\n',
  );
  expect(await complaint("search", "x", "-s", "kn")).toContain("there are: kb");
}, 60_000);

test("vectors are made by the command, booked, and made anew when the model has changed", async () => {
  write({ ...documents, "gateway.toml": configuration(upstream.url, embedding) });
  expect((await json(["add", "docs", "-s", "kb"])).code).toBe(0);
  const first = async () => (await json(["search", "refund my money", "-s", "kb"])).data[0]?.filename;
  expect(await first()).toBe("returns.md");
  const usage = Bun.spawnSync([
    executable,
    "usage",
    "report",
    "--json",
    "--data-dir",
    join(folder.path, "data"),
  ], {
    env: { PATH: "/usr/bin:/bin" },
  });
  expect(usage.stdout.toString()).toContain("cloud/embedder");
  upstream.behave({ length: 24 });
  expect((await rag(["search", "refund", "-s", "kb"])).stderr).toContain("rag reembed");
  expect(await json(["reembed", "kb"])).toMatchObject({
    code: 0,
    embedding_model: "cloud/embedder",
    file_counts: { completed: 2, failed: 0 },
  });
  expect(await first()).toBe("returns.md");
  expect(await json(["reembed", "kb", "--words"])).toMatchObject({ embedding_model: null });
  expect(await first()).toBeUndefined();
}, 60_000);

test(
  "beside a running gateway: what is added is found there at once, by every caller, and nobody may change it",
  async () => {
    write({ ...documents });
    const config = configuration(
      upstream.url,
      `${embedding}\n[[routes]]\nname = "support"\ntargets = ["cloud/echo"]\nretrieval = { vector_stores = ["kb"] }\n`,
    );
    write({ "gateway.toml": config });
    const gateway: Gateway = await startGateway({
      config,
      env: { INTELLIROUTER_ADMIN_KEY: adminKey },
      args: ["--data-dir", join(folder.path, "data")],
    });
    try {
      const client: OpenAI = await connect(gateway);
      expect((await json(["add", "docs", "-s", "kb"])).code).toBe(0);
      const found = await client.vectorStores.search("kb", { query: "refund my money" });
      expect(found.data[0]!.filename).toBe("returns.md");
      write({ "docs/robots.md": "Every machine has a name." });
      expect((await json(["add", "docs", "-s", "kb"])).code).toBe(0);
      const later = await client.vectorStores.search("kb", { query: "automaton" });
      expect(later.data[0]!.filename).toBe("robots.md");
      const { data: [shared] } = await client.vectorStores.list();
      expect(shared!.name).toBe("kb");
      const { data: [file] } = await client.vectorStores.files.list(shared!.id);
      expect(await statusOf(client.vectorStores.delete(shared!.id))).toBe("403 permission_denied");
      expect(await statusOf(client.vectorStores.update(shared!.id, { name: "x" }))).toBe(
        "403 permission_denied",
      );
      expect(await statusOf(client.vectorStores.files.delete(file!.id, { vector_store_id: shared!.id })))
        .toBe(
          "403 permission_denied",
        );
      expect(await statusOf(client.files.delete(file!.id))).toBe("404 file_not_found");
      expect((await rag(["remove", "-s", "kb", "--everything"])).code).toBe(0);
      expect(await statusOf(client.vectorStores.search("kb", { query: "x" }))).toBe(
        "404 vector_store_not_found",
      );
    } finally {
      await gateway.stop();
    }
  },
  60_000,
);
