import { expect, test } from "bun:test";
import { losses, turnOf } from "../../../test/support/response-fixtures.ts";
import type { ResponseItem, ResponsesRequest } from "../../schema/response.ts";
import { backendRequest } from "./backend-request.ts";
import { ownResponse } from "./backend-response.ts";

const said: ResponseItem[] = [
  { id: "msg_1", type: "message", role: "user", content: [{ type: "input_text", text: "Hi" }] },
  { id: "rs_1", type: "reasoning", summary: [], encrypted_content: "gAAAA" },
  { id: "rs_2", type: "reasoning", summary: [], encrypted_content: "ir1.W10" },
  { id: "rs_3", type: "reasoning", summary: [] },
  { id: "fc_1", type: "function_call", call_id: "c", name: "f", arguments: "{}" },
  { id: "ws_1", type: "web_search_call", status: "completed" },
];
const result: ResponseItem = { id: "mine", type: "function_call_output", call_id: "c", output: "ok" };

test("a conversation is the gateway's: the backend is not told, and what it thinks is asked for to be kept", () => {
  const turn = turnOf({}, { conversation: "conv_1" });
  const body: ResponsesRequest = {
    model: "m",
    conversation: "conv_1",
    input: "x",
    store: false,
    reasoning: {},
  };
  const request = backendRequest(body, turn, () => {});
  expect(request).toMatchObject({ store: false, include: ["reasoning.encrypted_content"] });
  expect(request).not.toHaveProperty("conversation");
  const given = { id: "theirs", output: [], conversation: null };
  expect(ownResponse(given, turn, undefined)).toMatchObject({ conversation: { id: "conv_1" } });
});

test("the backend keeps nothing, and gets the conversation without ids that mean nothing to it", () => {
  const { list, reportLoss } = losses();
  const turn = turnOf({}, { history: said });
  const body: ResponsesRequest = {
    model: "m",
    previous_response_id: "resp_1",
    input: [...said, result],
    user: "u",
  };
  const request = backendRequest(body, turn, reportLoss);
  expect(request).toEqual({
    model: "m",
    user: "u",
    store: false,
    include: ["reasoning.encrypted_content"],
    input: [
      { type: "message", role: "user", content: [{ type: "input_text", text: "Hi" }] },
      said[1]!,
      { type: "function_call", call_id: "c", name: "f", arguments: "{}" },
      said[5]!,
      result,
    ],
  });
  expect(list.map(({ field }) => field)).toEqual(["previous_response_id"]);
});

test("what can be given back is asked for only where it is kept and the model shows that it reasons", () => {
  const include = (request: Partial<ResponsesRequest>, store = true) =>
    backendRequest({ model: "m", input: "Hi", ...request }, turnOf({}, { store }), () => {}).include;
  expect(include({ reasoning: { effort: "low" } })).toEqual(["reasoning.encrypted_content"]);
  expect(include({ reasoning: {}, include: ["x"] })).toEqual(["x", "reasoning.encrypted_content"]);
  expect(include({ reasoning: {}, include: ["reasoning.encrypted_content"] })).toEqual([
    "reasoning.encrypted_content",
  ]);
  expect(include({})).toBeUndefined();
  expect(include({ reasoning: {} }, false)).toBeUndefined();
});

test("a backend's response is left as it is, unless the gateway knows better", () => {
  const given = {
    id: "resp_b",
    object: "response",
    model: "m",
    store: false,
    previous_response_id: null,
    output: [],
  };
  const stateless = turnOf({ store: false }, { store: false });
  expect(ownResponse(given, stateless, undefined) as unknown).toBe(given);
  expect(ownResponse(given, stateless, "m") as unknown).toBe(given);
  const turn = turnOf({ previous_response_id: "resp_a" });
  expect(ownResponse(given, turn, "fast") as unknown).toEqual({
    ...given,
    id: turn.id,
    store: true,
    previous_response_id: "resp_a",
    model: "fast",
  });
  for (const nothing of [null, 7, {}, { output: "x" }]) {
    expect(() => ownResponse(nothing, turn, undefined)).toThrow("no output");
  }
});
