/** What tests of retrieval share: a backend that makes vectors by meaning, and keys of different tenants. */
import OpenAI from "openai";
import { completion, sendJson, startUpstream, type Upstream } from "../../support/upstream.ts";
import type { Gateway } from "./gateway.ts";

export const adminKey = "the-key-of-the-administrator";

/** Words that mean the same have one number. */
const meanings: readonly (readonly string[])[] = [
  ["return", "returned", "returns", "refund", "money"],
  ["ship", "shipping", "shipped", "delivery", "deliver", "send"],
  ["norway", "oslo", "scandinavia"],
  ["robot", "machine", "automaton"],
  ["battery", "charge", "charging", "power"],
];

/** A vector of that many numbers; its first say what a text is about. */
export function meaningOf(text: string, length = 16): number[] {
  const vector = new Array<number>(length).fill(0);
  vector[length - 1] = 0.05;
  for (const word of text.toLowerCase().match(/[a-z]+/g) ?? []) {
    const meaning = meanings.findIndex((words) => words.includes(word));
    if (meaning >= 0) vector[meaning]! += 1;
  }
  return vector;
}

export interface RetrievalUpstream extends Upstream {
  /** How `embedder` behaves from now on. */
  behave(how: { readonly status?: number; readonly length?: number; readonly delayMs?: number }): void;
  /** Texts that it has been given, those of all requests. */
  embedded(): string[];
}

/** `embedder` makes vectors; `echo` answers with the last of what it was sent, and streams it word by word. */
export async function startRetrievalUpstream(): Promise<RetrievalUpstream> {
  const upstream = await startUpstream();
  let behaviour: { status?: number; length?: number; delayMs?: number } = {};
  upstream.on("embedder", async ({ body }, response) => {
    const { status, length, delayMs } = behaviour;
    if (delayMs !== undefined) await Bun.sleep(delayMs);
    if (status !== undefined) return sendJson(response, status, { error: { message: "broken on purpose" } });
    const data = (body.input as string[]).map((text, index) => ({
      object: "embedding",
      index,
      embedding: meaningOf(text, length),
    }));
    sendJson(response, 200, {
      object: "list",
      data,
      model: "embedder",
      usage: { prompt_tokens: 1, total_tokens: 1 },
    });
  });
  return Object.assign(upstream, {
    behave: (how: typeof behaviour) => void (behaviour = how),
    embedded: () =>
      upstream.calls.filter(({ body }) => body?.model === "embedder").flatMap(({ body }) =>
        body.input as string[]
      ),
  });
}

export function answer(text: string): Record<string, unknown> {
  return completion("echo", {
    choices: [{ index: 0, message: { role: "assistant", content: text }, finish_reason: "stop" }],
  });
}

export function configuration(url: string, more = ""): string {
  return `
[[providers]]
name = "cloud"
kind = "openai-compatible"
base_url = "${url}"
list_models = false
${more}
`;
}

/** A client with a key, and so a tenant, of its own. */
export async function connect(gateway: Gateway, fields: object = {}): Promise<OpenAI> {
  const made = await fetch(`${gateway.origin}/admin/v1/keys`, {
    method: "POST",
    headers: { authorization: `Bearer ${adminKey}`, "content-type": "application/json" },
    body: JSON.stringify(fields),
  });
  const { key } = await made.json() as { key: string };
  return new OpenAI({ baseURL: `${gateway.origin}/v1`, apiKey: key, maxRetries: 0 });
}

export function statusOf(promise: PromiseLike<unknown>): Promise<string | number> {
  return Promise.resolve(promise).then(() => 200, (error) => `${error.status} ${error.code}`);
}

export function upload(client: OpenAI, name: string, text: string) {
  return client.files.create({ file: new File([text], name), purpose: "assistants" });
}
