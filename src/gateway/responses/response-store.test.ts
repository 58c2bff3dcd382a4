import { describe, expect, test } from "bun:test";
import memoryStore from "../../../test/support/memory-store.ts";
import { turnOf } from "../../../test/support/response-fixtures.ts";
import { ApiError } from "../../lib/api-error.ts";
import type { Store } from "../../plugin/api/store.ts";
import { inputItems, keptItems } from "./input-items.ts";
import { responseObject } from "./response-object.ts";
import { ResponseStore } from "./response-store.ts";

const day = 24 * 60 * 60 * 1000;

function setUp(retentionMs = 30 * day) {
  const time = { now: 1_700_000_000_000 };
  const backing = memoryStore(() => time.now);
  const errors: unknown[] = [];
  const store = new ResponseStore(backing, {
    retentionMs: () => retentionMs,
    now: () => time.now,
    onError: (error) => void errors.push(error),
  });
  return { time, backing, store, errors };
}

/** A turn that said `text` and was answered in capitals. */
function stored(id: string, text: string, previous: string | null = null) {
  const turn = turnOf({ input: text, previous_response_id: previous }, { id });
  const output = [{
    id: `msg_answer_${id}`,
    type: "message",
    role: "assistant" as const,
    status: "completed",
    content: [{ type: "output_text", text: text.toUpperCase(), annotations: [], logprobs: [] }],
  }];
  return { response: responseObject(turn, { status: "completed", model: "m", output }), input: turn.input };
}

const failure = (promise: Promise<unknown>) => promise.then(() => undefined, (error) => error as ApiError);
const texts = (items: readonly { content?: unknown }[]) =>
  items.map(({ content }) => (content as { text: string }[])[0]!.text);

test("a response is found again as it was, and is gone when deleted", async () => {
  const { store, backing } = setUp();
  const one = stored("resp_1", "one");
  await store.save("a", one);
  expect(await store.find("a", "resp_1")).toMatchObject(one);
  expect(await store.findItem("a", "msg_answer_resp_1")).toEqual(one.response.output[0]!);
  expect(await store.delete("a", "resp_1")).toBe(true);
  expect(await store.delete("a", "resp_1")).toBe(false);
  expect(await store.find("a", "resp_1")).toBeUndefined();
  expect(await store.findItem("a", "msg_answer_resp_1")).toBeUndefined();
  expect((await backing.list("")).entries).toEqual([]);
});

test("a conversation is all of its turns, oldest first", async () => {
  const { store } = setUp();
  await store.save("a", stored("resp_1", "one"));
  await store.save("a", stored("resp_2", "two", "resp_1"));
  await store.save("a", stored("resp_3", "three", "resp_2"));
  await store.save("a", stored("resp_fork", "other", "resp_1"));
  expect(texts(await store.conversation("a", "resp_3"))).toEqual([
    "one",
    "ONE",
    "two",
    "TWO",
    "three",
    "THREE",
  ]);
  expect(texts(await store.conversation("a", "resp_fork"))).toEqual(["one", "ONE", "other", "OTHER"]);
});

test("a conversation that has lost a turn is not gone on with", async () => {
  const { store } = setUp();
  await store.save("a", stored("resp_1", "one"));
  await store.save("a", stored("resp_2", "two", "resp_1"));
  await store.delete("a", "resp_1");
  for (const id of ["resp_2", "resp_never"]) {
    expect(await failure(store.conversation("a", id))).toMatchObject({
      status: 400,
      code: "previous_response_not_found",
      param: "previous_response_id",
    });
  }
});

describe("tenants", () => {
  test("do not see each other's responses: they are told what they would be told of none", async () => {
    const { store } = setUp();
    await store.save("a", stored("resp_1", "one"));
    expect(await store.find("b", "resp_1")).toBeUndefined();
    expect(await store.findItem("b", "msg_answer_resp_1")).toBeUndefined();
    expect(await store.delete("b", "resp_1")).toBe(false);
    const theirs = await failure(store.conversation("b", "resp_1"));
    const nobodys = await failure(store.conversation("b", "resp_2"));
    expect(theirs?.message.replace("resp_1", "resp_2")).toBe(nobodys!.message);
    expect(await store.find("a", "resp_1")).toBeDefined();
  });

  test("cannot reach each other by odd names", async () => {
    const { store } = setUp();
    await store.save("a", stored("resp_1", "one"));
    await store.save("a/response", stored("resp_1", "two"));
    for (
      const [tenant, id] of [["a/response", "../response/resp_1"], ["", "a/response/resp_1"], ["a", "%2e"], [
        "a",
        "",
      ]] as const
    ) {
      expect(await store.find(tenant, id)).toBeUndefined();
    }
    expect(texts((await store.find("a", "resp_1"))!.input)).toEqual(["one"]);
  });
});

describe("time", () => {
  test("takes responses away when theirs is over", async () => {
    const { store, time } = setUp(2 * day);
    await store.save("a", stored("resp_1", "one"));
    time.now += 2 * day - 1;
    expect(await store.find("a", "resp_1")).toBeDefined();
    time.now += 1;
    expect(await store.find("a", "resp_1")).toBeUndefined();
    expect(await store.findItem("a", "msg_answer_resp_1")).toBeUndefined();
  });

  test("does not take the beginning of a conversation that goes on", async () => {
    const { store, time } = setUp(2 * day);
    await store.save("a", stored("resp_0", "zero"));
    for (let turn = 1; turn <= 10; turn++) {
      time.now += 0.6 * day;
      expect(await store.conversation("a", `resp_${turn - 1}`)).toHaveLength(2 * turn);
      await store.save("a", stored(`resp_${turn}`, `turn ${turn}`, `resp_${turn - 1}`));
    }
  });
});

test("without retention nothing is kept", async () => {
  const { store, backing } = setUp(0);
  expect(store.isOpen).toBe(false);
  await store.save("a", stored("resp_1", "one"));
  expect((await backing.list("")).entries).toEqual([]);
});

test("a store that fails is told of, and the answer is the client's all the same", async () => {
  const { backing, errors } = setUp();
  const broken = { ...backing, set: () => Promise.reject(new Error("disk full")) } as unknown as Store;
  const store = new ResponseStore(broken, {
    retentionMs: () => day,
    now: () => 0,
    onError: (error) => void errors.push(error),
  });
  await store.save("a", stored("resp_1", "one"));
  expect(errors).toHaveLength(1);
});

describe("input", () => {
  test("is kept as items that have ids, and messages that have parts", () => {
    const items = keptItems(inputItems([
      { role: "user", content: "Hi" },
      { role: "assistant", content: "Hello" },
      { type: "function_call_output", call_id: "c", output: "ok" },
      {
        type: "message",
        id: "msg_own",
        role: "user",
        content: [{ type: "input_text", text: "x" }],
        status: "completed",
      },
    ]));
    expect(items as unknown).toEqual([
      {
        id: expect.stringMatching(/^msg_/),
        type: "message",
        role: "user",
        status: "completed",
        content: [{ type: "input_text", text: "Hi" }],
      },
      {
        id: expect.stringMatching(/^msg_/),
        type: "message",
        role: "assistant",
        status: "completed",
        content: [{ type: "output_text", text: "Hello", annotations: [], logprobs: [] }],
      },
      { id: expect.stringMatching(/^fco_/), type: "function_call_output", call_id: "c", output: "ok" },
      {
        type: "message",
        id: "msg_own",
        role: "user",
        content: [{ type: "input_text", text: "x" }],
        status: "completed",
      },
    ]);
  });

  test("that is none is refused with its place", () => {
    const param = (item: object) => {
      try {
        inputItems([{ role: "user", content: "Hi" }, item as never]);
      } catch (error) {
        return (error as ApiError).param;
      }
      return undefined;
    };
    expect(param({})).toBe("input[1].type");
    expect(param({ type: "message", content: "x" })).toBe("input[1].role");
    expect(param({ role: "user" })).toBe("input[1].content");
    expect(param({ type: "function_call", name: "f", arguments: "{}" })).toBe("input[1].call_id");
    expect(param({ type: "function_call_output", call_id: "c" })).toBe("input[1].output");
    expect(param({ id: "msg_1" })).toBeUndefined();
    expect(param({ type: "made_up" })).toBeUndefined();
  });
});
