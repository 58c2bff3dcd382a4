/** Runs every feature from every protocol of clients to every backend, and says what became of it. */
import type { Fidelity, FidelityLoss, Provider } from "intellirouter/plugin";
import { isUpstreamError } from "intellirouter/plugin";
import { chatOperation } from "../../src/gateway/operations/chat.ts";
import { messagesOperation } from "../../src/gateway/operations/messages.ts";
import type { Operation } from "../../src/gateway/operation.ts";
import { responsesOperation } from "../../src/gateway/operations/responses.ts";
import { turnOf } from "../support/response-fixtures.ts";
import { testHost } from "../support/test-host.ts";
import { type Backend, backends, responseAnswer } from "./backends.ts";
import { downloadedImage, type FeatureCase, features } from "./features.ts";

export const ingresses = ["chat", "messages", "responses"] as const;
export type Ingress = typeof ingresses[number];

/** `silent`: it neither arrived nor was anything said of it. `absent`: the client's protocol cannot say it. */
export type Verdict = Fidelity | "silent" | "absent";

export interface Cell {
  readonly backend: string;
  readonly ingress: Ingress;
  readonly feature: FeatureCase["feature"];
  readonly verdict: Verdict;
  /** What was reported, or the error. */
  readonly notes: readonly string[];
}

export async function runMatrix(): Promise<Cell[]> {
  const cells: Cell[] = [];
  for (const backend of backends) {
    for (const ingress of ingresses) {
      for (const feature of features) {
        cells.push({
          backend: backend.name,
          ingress,
          feature: feature.feature,
          ...await run(backend, ingress, feature),
        });
      }
    }
  }
  return cells;
}

/** What a backend was asked. */
export interface SentRequest {
  readonly url: string;
  /** Those of its protocol. */
  readonly headers: string;
  readonly body: string;
}

const protocolHeader = /^(anthropic|openai)-/;

/** A backend's provider, and what notes down all that it is asked. */
export async function makeProvider(backend: Backend, sent: SentRequest[]): Promise<Provider> {
  const host = testHost({
    secret: (name) => backend.secrets[name],
    download: (url) => {
      sent.push({ url, headers: "", body: "" });
      return Promise.resolve({ mediaType: "image/png", data: new Uint8Array(downloadedImage) });
    },
    fetch: (url, init) => {
      const headers = Object.entries(init?.headers ?? {}).filter(([name]) => protocolHeader.test(name));
      sent.push({ url, headers: JSON.stringify(headers), body: String(init?.body ?? "") });
      const text = JSON.stringify(url.endsWith("/responses") ? responseAnswer : backend.answer);
      return Promise.resolve(new Response(text, { headers: { "content-type": "application/json" } }));
    },
  });
  const options = await backend.plugin.options.parseAsync(backend.options);
  return await backend.plugin.create(options, host) as Provider;
}

function operationOf(ingress: Ingress, request: Readonly<Record<string, unknown>>): Operation {
  if (ingress === "chat") return chatOperation as Operation;
  if (ingress === "messages") return messagesOperation as Operation;
  return responsesOperation(turnOf(request)) as unknown as Operation;
}

/** Every backend takes back its own thoughts alone. */
function withOwnReasoning(
  request: Record<string, unknown>,
  { reasoningFormat }: Backend,
): Record<string, unknown> {
  if (reasoningFormat === undefined) return request;
  return JSON.parse(JSON.stringify(request).replaceAll("anthropic-claude-v1", reasoningFormat));
}

/** Sends one request to a backend; what it was sent, and what was said about it. */
export async function send(
  backend: Backend,
  ingress: Ingress,
  request: Readonly<Record<string, unknown>>,
): Promise<{ sent: readonly string[]; losses: readonly FidelityLoss[]; refusal: string | undefined }> {
  const asked: SentRequest[] = [];
  const provider = await makeProvider(backend, asked);
  const losses: FidelityLoss[] = [];
  try {
    await operationOf(ingress, request).complete(provider, { model: backend.model, ...request }, {
      requestId: "req_1",
      signal: new AbortController().signal,
      tenant: "default",
      reportLoss: (loss) => losses.push(loss),
    }, { includeUsage: false, forcedModel: undefined, fallbackId: "req_1", fallbackModel: "m", created: 1 });
  } catch (error) {
    if (!isUpstreamError(error) || !["invalid_request", "unsupported"].includes(error.kind)) throw error;
    return { sent: textsOf(asked), losses, refusal: `${error.param ?? "-"}: ${error.message}` };
  }
  return { sent: textsOf(asked), losses, refusal: undefined };
}

function textsOf(asked: readonly SentRequest[]): string[] {
  return asked.map(({ body }) => body).filter((body) => body !== "");
}

async function run(
  backend: Backend,
  ingress: Ingress,
  feature: FeatureCase,
): Promise<{ verdict: Verdict; notes: readonly string[] }> {
  if (feature[ingress] === undefined) return { verdict: "absent", notes: [] };
  const request = withOwnReasoning(feature[ingress], backend);
  const { sent, losses, refusal } = await send(backend, ingress, request);
  if (refusal !== undefined) return { verdict: "refused", notes: [refusal] };
  const notes = losses.map(({ field, effect, detail }) => `${effect} ${field}: ${detail}`);
  if (losses.some(({ effect }) => effect === "dropped")) return { verdict: "dropped", notes };
  if (losses.length > 0) return { verdict: "approximated", notes };
  return { verdict: feature.arrives(sent.join("\n")) ? "full" : "silent", notes };
}
