import { expect, test } from "bun:test";
import type { ChatCompletionRequest, UpstreamError } from "intellirouter/plugin";
import { calledFunctions, readTools } from "./function-tools.ts";

const tool = (name: string) => ({ type: "function", function: { name } });
const read = (fields: object) =>
  readTools({ model: "m", messages: [{ role: "user", content: "x" }], ...fields } as ChatCompletionRequest);
const failure = (fields: object) => {
  try {
    read(fields);
  } catch (error) {
    const { kind, param } = error as UpstreamError;
    return [kind, param];
  }
  return undefined;
};

test("every way to choose is read", () => {
  const tools = [tool("a"), tool("b")];
  for (
    const [choice, expected] of [
      [undefined, { mode: "auto" }],
      ["none", { mode: "none" }],
      ["required", { mode: "required" }],
      [{ type: "function", function: { name: "a" } }, { mode: "named", name: "a" }],
    ]
  ) expect(read({ tools, tool_choice: choice }).choice as unknown).toEqual(expected);
});

test("allowed tools are the only ones that are offered", () => {
  const { functions, choice } = read({
    tools: [tool("a"), tool("b")],
    tool_choice: { type: "allowed_tools", allowed_tools: { mode: "required", tools: [tool("b")] } },
  });
  expect(functions.map(({ name }) => name)).toEqual(["b"]);
  expect(choice).toEqual({ mode: "required" });
});

test("parameters are a schema of an object, also where none are given", () => {
  const { functions } = read({
    tools: [tool("a"), { type: "function", function: { name: "b", parameters: { properties: { x: {} } } } }],
  });
  expect(functions.map(({ parameters }) => parameters)).toEqual([
    { type: "object", properties: {} },
    { type: "object", properties: { x: {} } },
  ]);
});

test("what contradicts itself is the client's fault", () => {
  expect(failure({ tools: [tool("a")], tool_choice: tool("b") })).toEqual(["invalid_request", "tool_choice"]);
  expect(failure({ tool_choice: "required" })).toEqual(["invalid_request", "tool_choice"]);
  expect(failure({ tools: [tool("a")], tool_choice: "perhaps" })).toEqual(["invalid_request", "tool_choice"]);
  expect(failure({ tools: [{ type: "function" }] })).toEqual(["invalid_request", "tools[0].function.name"]);
});

test("the functions of earlier calls are found, each once", () => {
  const call = { id: "1", type: "function", function: { name: "a", arguments: "{}" } };
  const messages = [{ role: "assistant", tool_calls: [call, { ...call, id: "2" }] }];
  expect(calledFunctions({ model: "m", messages } as ChatCompletionRequest)).toEqual(["a"]);
});
