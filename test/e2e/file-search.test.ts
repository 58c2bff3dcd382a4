/** The tool file_search of the Responses protocol: searched by the gateway for every model, whole and streamed, over several turns. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import OpenAI from "openai";
import { checkResponse, checkResponseStream } from "../support/strict-response-checker.ts";
import { chunk, event, sendJson, startStream } from "../support/upstream.ts";
import { type Gateway, startGateway } from "./support/gateway.ts";
import {
  adminKey,
  answer,
  configuration,
  connect,
  type RetrievalUpstream,
  startRetrievalUpstream,
  statusOf,
  upload,
} from "./support/retrieval.ts";

type Item = OpenAI.Responses.ResponseOutputItem;
type SearchCall = OpenAI.Responses.ResponseFileSearchToolCall;

let upstream: RetrievalUpstream;
let gateway: Gateway;
let client: OpenAI;
let store: string;
let file: string;

beforeAll(async () => {
  upstream = await startRetrievalUpstream();
  upstream.on("echo", ({ body }, response) => {
    const text = "Within 30 days [1].";
    if (!body.stream) return sendJson(response, 200, answer(text));
    startStream(response);
    for (const word of text.split(/(?<= )/)) response.write(event(chunk("echo", { content: word })));
    response.write(event(chunk("echo", {}, "stop")));
    response.end(event("[DONE]"));
  });
  gateway = await startGateway({
    config: configuration(upstream.url),
    env: { INTELLIROUTER_ADMIN_KEY: adminKey },
  });
  client = await connect(gateway);
  store = (await client.vectorStores.create({ name: "handbook" })).id;
  file = (await upload(client, "returns.md", "Goods can be returned within 30 days.")).id;
  const more = await upload(client, "robots.md", "Every robot has a name.");
  const poll = { pollIntervalMs: 20 };
  await client.vectorStores.files.createAndPoll(
    store,
    { file_id: file, attributes: { kind: "policy" } },
    poll,
  );
  await client.vectorStores.files.createAndPoll(store, { file_id: more.id }, poll);
});
afterAll(async () => {
  await gateway.stop();
  await upstream.close();
});

const question = "When can goods be returned?";

function body(more: object = {}, tool: object = {}) {
  return {
    model: "cloud/echo",
    input: question,
    tools: [{ type: "file_search" as const, vector_store_ids: [store], ...tool }],
    ...more,
  };
}

function sent() {
  return upstream.calls.findLast(({ body }) => body?.model === "echo")!.body as {
    messages: { role: string; content: string }[];
    tools?: unknown;
    tool_choice?: unknown;
  };
}

function citationsOf(item: Item | undefined) {
  const [part] = (item as OpenAI.Responses.ResponseOutputMessage).content;
  return (part as OpenAI.Responses.ResponseOutputText).annotations;
}

const citation = () => ({ type: "file_citation" as const, file_id: file, filename: "returns.md", index: 19 });

test("the model is asked with what was found, and the answer tells of the search and of its sources", async () => {
  const response = await client.responses.create(body({ tool_choice: { type: "file_search" } }));
  expect(checkResponse(response)).toEqual([]);
  const [call, message] = response.output;
  expect(call).toMatchObject({
    type: "file_search_call",
    status: "completed",
    queries: [question],
    results: null,
  });
  expect(call!.id).toStartWith("fs_");
  expect(citationsOf(message)).toEqual([citation()]);
  expect(response.output_text).toBe("Within 30 days [1].");
  expect(response.tools).toMatchObject([{ type: "file_search", vector_store_ids: [store] }]);
  expect(sent().messages[0]!.content).toContain('"text":"Goods can be returned within 30 days."');
  expect(sent().messages[1]!.content).toBe(question);
  expect([sent().tools, sent().tool_choice]).toEqual([undefined, undefined]);
});

test("results are given to those who ask for them, as many as they ask for", async () => {
  const include = { include: ["file_search_call.results"], input: "goods returned robot" };
  const results = async (tool: object) => {
    const { output: [call] } = await client.responses.create(body(include, tool) as never) as {
      output: Item[];
    };
    return (call as SearchCall).results!.map(({ filename }) => filename);
  };
  expect(await results({})).toEqual(["returns.md", "robots.md"]);
  expect(await results({ max_num_results: 1 })).toEqual(["returns.md"]);
  expect(await results({ filters: { type: "ne", key: "kind", value: "policy" } })).toEqual(["robots.md"]);
  expect(await results({ ranking_options: { score_threshold: 1 } })).toEqual(["returns.md"]);
  const { output: [call] } = await client.responses.create(body(include) as never) as { output: Item[] };
  expect((call as SearchCall).results![0]).toMatchObject({
    file_id: file,
    text: "Goods can be returned within 30 days.",
    attributes: { kind: "policy" },
  });
});

test("a stream tells of the search first, and keeps its order", async () => {
  const stream = await client.responses.create({ ...body(), stream: true });
  const events: OpenAI.Responses.ResponseStreamEvent[] = [];
  for await (const given of stream) events.push(given);
  expect(checkResponseStream(events.map((given) => JSON.stringify(given))).problems).toEqual([]);
  expect(events.slice(2, 7).map(({ type }) => type)).toEqual([
    "response.output_item.added",
    "response.file_search_call.in_progress",
    "response.file_search_call.searching",
    "response.file_search_call.completed",
    "response.output_item.done",
  ]);
  const { response } = events.at(-1) as OpenAI.Responses.ResponseCompletedEvent;
  expect(response.output.map(({ type }) => type)).toEqual(["file_search_call", "message"]);
  expect(citationsOf(response.output[1])).toEqual([citation()]);
  const kept = await client.responses.retrieve(response.id);
  expect(kept.output).toEqual(response.output);
  const final = await client.responses.stream(body()).finalResponse();
  expect(final.output_text).toBe("Within 30 days [1].");
});

test("further turns go on from it, whether the gateway or the client keeps the conversation", async () => {
  const first = await client.responses.create(body());
  const next = await client.responses.create(body({ input: "And robots?", previous_response_id: first.id }));
  expect(next.output.map(({ type }) => type)).toEqual(["file_search_call", "message"]);
  expect(sent().messages.map(({ role }) => role)).toEqual(["user", "assistant", "user", "user"]);
  const input = [{ role: "user", content: question }, ...first.output, { role: "user", content: "Thanks." }];
  const own = await client.responses.create(
    { model: "cloud/echo", input } as never,
  ) as OpenAI.Responses.Response;
  expect(own.output.map(({ type }) => type)).toEqual(["message"]);
  expect(sent().messages.map(({ role }) => role)).toEqual(["user", "assistant", "user"]);
});

test("vector stores of others are the backend's business, and those that are half another's are not there", async () => {
  const stranger = await connect(gateway);
  const response = await stranger.responses.create(body());
  expect(response.output.map(({ type }) => type)).toEqual(["message"]);
  expect(sent().messages).toHaveLength(1);
  expect(await statusOf(client.responses.create(body({}, { vector_store_ids: [store, "vs_of_another"] }))))
    .toBe(
      "404 vector_store_not_found",
    );
  expect(await statusOf(client.responses.create(body({}, { max_num_results: 1_000 })))).toBe(
    "400 invalid_value",
  );
});
