import { expect, test } from "bun:test";
import { principal } from "../../../test/support/account-fixtures.ts";
import { piecesOf, sayingProvider, testGateway } from "../../../test/support/gateway-fixtures.ts";
import { ApiError } from "../../lib/api-error.ts";
import { ModelCaller } from "../internal-call.ts";
import { complete } from "../complete.ts";
import type { GatewayCall } from "../gateway-call.ts";
import { chatOperation } from "../operations/chat.ts";
import type { ChatCompletionRequest } from "../../schema/chat-completion.ts";
import type { AnswerStage, Exchange, Stage } from "./stage.ts";

const caller = principal();

function call(stream = false): GatewayCall<ChatCompletionRequest> {
  return {
    operation: chatOperation,
    body: { model: "cloud/m", messages: [{ role: "user", content: "Hi" }], stream },
    headers: new Headers(),
    protocolHeaders: {},
    principal: caller,
    hops: 1,
    requestId: "req_1",
    decisionId: "dec_1",
    signal: new AbortController().signal,
    arrivedAt: performance.now(),
  };
}

function stage(begin: (exchange: Exchange) => AnswerStage | void, name = "test"): Stage {
  return { name, concerns: () => true, begin };
}

const refusal = new ApiError({ status: 400, code: "content_filter", message: "No." });

test("stages change a request in order, and its answer in the reverse order", async () => {
  const cloud = sayingProvider("Hello there");
  const seen: string[] = [];
  const mark = (name: string) =>
    stage(({ prompt }) => {
      prompt.addInstructions(name, "last");
      return {
        answer: (answer) => answer.mapTexts(({ text }) => `${text} ${name}`),
        end: (outcome) => void seen.push(`${name} ${outcome}`),
      };
    });
  const { services, decisions } = await testGateway({
    providers: { cloud },
    stages: [mark("one"), mark("two")],
  });
  const { content } = await complete(services, call());
  expect(cloud.asked).toMatchObject([{
    messages: [{ role: "system", content: "one" }, { role: "system", content: "two" }, { content: "Hi" }],
  }]);
  expect(content).toMatchObject({ body: { choices: [{ message: { content: "Hello there two one" } }] } });
  expect(seen).toEqual(["two ok", "one ok"]);
  expect(decisions).toMatchObject([{ outcome: "ok", usage: { prompt_tokens: 7 } }]);
});

test("a stage that refuses a request keeps it from every target, and the stages before it are told", async () => {
  const cloud = sayingProvider("Hello");
  const seen: string[] = [];
  const { services, decisions } = await testGateway({
    providers: { cloud },
    stages: [
      stage(() => ({ end: (outcome) => void seen.push(outcome) })),
      stage(() => {
        throw refusal;
      }),
    ],
  });
  expect(await complete(services, call()).catch((error) => error.code)).toBe("content_filter");
  expect([cloud.asked.length, seen]).toEqual([0, ["error"]]);
  expect(decisions).toMatchObject([{ outcome: "error", status: 400, attempts: [] }]);
});

test("an answer that a stage refuses is paid for all the same, and is no fault of its backend", async () => {
  const cloud = sayingProvider("Hello");
  const refuse = stage(() => ({
    answer: () => {
      throw refusal;
    },
  }));
  const { services, decisions } = await testGateway({ providers: { cloud }, stages: [refuse] });
  expect(await complete(services, call()).catch((error) => error.code)).toBe("content_filter");
  expect(decisions).toMatchObject([{
    outcome: "error",
    status: 400,
    usage: { prompt_tokens: 7, completion_tokens: 3 },
    attempts: [{ outcome: "ok" }],
  }]);
});

test("a stage changes the pieces of an answer, and may hold them back", async () => {
  const cloud = sayingProvider("Hello there");
  const loud = stage(() => ({
    async *stream(pieces) {
      const held: string[] = [];
      for await (const texts of pieces) held.push(...texts.map((text) => text.replace("there", "THERE")));
      yield held;
    },
  }));
  const { services } = await testGateway({ providers: { cloud }, stages: [loud] });
  const pieces = await piecesOf(await complete(services, call(true)));
  const words = pieces.map((piece) => JSON.parse(piece).choices[0]?.delta.content ?? "");
  expect(words.join("")).toBe("Hello THERE");
});

test("a stage that refuses in the middle of an answer ends it with its error, and lets go of the backend", async () => {
  const cloud = sayingProvider("Hello there my friend");
  const cut = stage(() => ({
    async *stream(pieces) {
      for await (const texts of pieces) {
        if (texts.join("").includes("there")) throw refusal;
        yield texts;
      }
    },
  }));
  const { services, decisions } = await testGateway({ providers: { cloud }, stages: [cut] });
  const pieces = await piecesOf(await complete(services, call(true)));
  expect(JSON.parse(pieces.at(-1)!)).toMatchObject({ error: { code: "content_filter", message: "No." } });
  expect(pieces.join("")).not.toContain("there");
  expect(cloud.closed).toBe(1);
  expect(decisions).toMatchObject([{ outcome: "truncated", attempts: [{ outcome: "ok" }] }]);
});

test("a stage that has heard enough ends the answer", async () => {
  const cloud = sayingProvider("Hello there my friend");
  const first = stage(() => ({
    async *stream(pieces) {
      for await (const texts of pieces) return void (yield texts);
    },
  }));
  const { services, decisions } = await testGateway({ providers: { cloud }, stages: [first] });
  expect(await piecesOf(await complete(services, call(true)))).toHaveLength(1);
  expect(cloud.closed).toBe(1);
  expect(decisions).toMatchObject([{ outcome: "ok", usage: { estimated: true } }]);
});

test("the gateway's own calls go the same way, without stages unless asked, and not in circles", async () => {
  const cloud = sayingProvider("Hello");
  let staged = 0;
  const { services, decisions } = await testGateway({
    providers: { cloud },
    stages: [stage(() => void staged++)],
  });
  const models = new ModelCaller(services);
  const { body } = call();
  const context = {
    principal: caller,
    requestId: "req_1",
    decisionId: "dec_parent",
    depth: 0,
    purpose: "summary",
    signal: new AbortController().signal,
  };
  expect((await models.chat(body, context)).choices[0]?.message.content).toBe("Hello");
  expect(staged).toBe(0);
  await models.chat(body, { ...context, staged: true });
  expect(staged).toBe(1);
  expect(decisions).toMatchObject([{ parent: "dec_parent", purpose: "summary", outcome: "ok" }, {}]);
  expect(await models.chat(body, { ...context, depth: 8 }).catch((error) => error.status)).toBe(508);
});
