import { UpstreamError } from "intellirouter/plugin";
import type {
  ChatCompletion,
  ChatCompletionChunk,
  ChatCompletionRequest,
  UpstreamErrorKind,
  Usage,
} from "intellirouter/plugin";
import { valueFor } from "./schema-value.ts";
import { answerText, pieces, seededRandom } from "./words.ts";

type Loose = Readonly<Record<string, unknown>>;

/** What a mode of the mock does besides answering. */
export interface Mode {
  readonly calls: number;
  readonly reasoning: boolean;
}

export interface MockChoice {
  readonly index: number;
  readonly reasoning: string[];
  readonly pieces: string[];
  readonly calls: readonly { readonly id: string; readonly name: string; readonly arguments: string }[];
  readonly finish: "stop" | "length" | "tool_calls";
}

export interface MockAnswer {
  readonly id: string;
  readonly choices: readonly MockChoice[];
  readonly usage: Usage;
}

const created = 1_700_000_000;

/** The answer to a request; the same request always gets the same one. */
export function makeAnswer(request: ChatCompletionRequest, mode: Mode): MockAnswer {
  const prompt = lastText(request);
  const random = seededRandom(JSON.stringify(request.messages));
  const id = `chatcmpl-mock-${Math.floor(random() * 1e12).toString(36)}`;
  const limit = request.max_completion_tokens ?? request.max_tokens ?? Infinity;
  const choices = Array.from(
    { length: request.n ?? 1 },
    (_, index) => makeChoice(request, mode, prompt, limit, index),
  );
  const completion = choices.reduce(
    (sum, choice) => sum + choice.pieces.length + choice.reasoning.length + 8 * choice.calls.length,
    0,
  );
  const promptTokens = request.messages.reduce(
    (sum, message) => sum + 4 + Math.ceil(textOf(message.content).length / 4),
    0,
  );
  return {
    id,
    choices,
    usage: {
      prompt_tokens: promptTokens,
      completion_tokens: completion,
      total_tokens: promptTokens + completion,
    },
  };
}

function makeChoice(
  request: ChatCompletionRequest,
  mode: Mode,
  prompt: string,
  limit: number,
  index: number,
): MockChoice {
  const reasoning = mode.reasoning ? pieces("The user wants an answer. I will make one up.") : [];
  const calls = toolCalls(request, mode, prompt);
  if (calls.length > 0) return { index, reasoning, pieces: [], calls, finish: "tool_calls" };
  const format = request.response_format as Loose | null | undefined;
  const schema = (format?.json_schema as Loose | undefined)?.schema;
  const text = format?.type === "json_schema" || format?.type === "json_object"
    ? JSON.stringify(
      valueFor(schema ?? { properties: { answer: { type: "string" } } }, answerText(prompt, index)),
    )
    : stopAt(answerText(prompt, index), request.stop);
  const all = pieces(text);
  return all.length > limit
    ? { index, reasoning, pieces: all.slice(0, limit), calls, finish: "length" }
    : { index, reasoning, pieces: all, calls, finish: "stop" };
}

/** A tool is called when the request forces one, or the mode wants calls; never twice in a row. */
function toolCalls(request: ChatCompletionRequest, mode: Mode, prompt: string): MockChoice["calls"] {
  const tools = (request.tools ?? []).filter((tool) => tool.type === "function").map((tool) =>
    tool.function as Loose
  );
  const choice = request.tool_choice as unknown;
  if (tools.length === 0 || choice === "none" || request.messages.at(-1)?.role === "tool") return [];
  const named = ((choice as Loose | null | undefined)?.function as Loose | undefined)?.name;
  const forced = choice === "required" || named !== undefined;
  const count = forced ? Math.max(1, mode.calls) : mode.calls;
  const wanted = named === undefined ? tools : tools.filter((tool) => tool.name === named);
  return Array.from(
    { length: Math.min(count, request.parallel_tool_calls === false ? 1 : count) },
    (_, index) => {
      const tool = wanted[index % wanted.length]!;
      const random = seededRandom(`${prompt}#${index}#${tool.name}`);
      return {
        id: `call_mock${Math.floor(random() * 1e12).toString(36)}${index}`,
        name: String(tool.name),
        arguments: JSON.stringify(valueFor(tool.parameters ?? { type: "object" }, prompt.slice(0, 60))),
      };
    },
  );
}

/** The answer in one piece. */
export function asCompletion(answer: MockAnswer, model: string): ChatCompletion {
  return {
    id: answer.id,
    object: "chat.completion",
    created,
    model,
    choices: answer.choices.map((choice) => ({
      index: choice.index,
      message: {
        role: "assistant",
        content: choice.calls.length > 0 ? null : choice.pieces.join(""),
        refusal: null,
        ...(choice.reasoning.length > 0 ? { reasoning_content: choice.reasoning.join("") } : {}),
        ...(choice.calls.length > 0 ? { tool_calls: choice.calls.map(asCall) } : {}),
      },
      logprobs: null,
      finish_reason: choice.finish,
    })),
    usage: answer.usage,
  };
}

function asCall(call: MockChoice["calls"][number]) {
  return { id: call.id, type: "function", function: { name: call.name, arguments: call.arguments } };
}

/** The answer in pieces of about one token. */
export function* asChunks(answer: MockAnswer, model: string): Generator<ChatCompletionChunk> {
  const chunk = (index: number, delta: Loose, finish: MockChoice["finish"] | null = null) =>
    ({
      id: answer.id,
      object: "chat.completion.chunk" as const,
      created,
      model,
      choices: [{ index, delta, logprobs: null, finish_reason: finish }],
    }) as ChatCompletionChunk;
  for (const choice of answer.choices) {
    yield chunk(choice.index, { role: "assistant", content: choice.calls.length > 0 ? null : "" });
    for (const reasoning_content of choice.reasoning) yield chunk(choice.index, { reasoning_content });
    for (const content of choice.pieces) yield chunk(choice.index, { content });
    for (const [index, call] of choice.calls.entries()) {
      yield chunk(choice.index, {
        tool_calls: [{ index, id: call.id, type: "function", function: { name: call.name, arguments: "" } }],
      });
      for (const piece of pieces(call.arguments)) {
        yield chunk(choice.index, { tool_calls: [{ index, function: { arguments: piece } }] });
      }
    }
    yield chunk(choice.index, {}, choice.finish);
  }
  yield { id: answer.id, object: "chat.completion.chunk", created, model, choices: [], usage: answer.usage };
}

/** The failure that a model's name asks for. */
export function failureOf(name: string): UpstreamError | undefined {
  const failures: Readonly<Record<string, [UpstreamErrorKind, number, string]>> = {
    "400": ["invalid_request", 400, "This mock refuses every request."],
    "401": ["auth", 401, "This mock refuses every key."],
    "429": ["rate_limited", 429, "This mock is always asked too often."],
    "500": ["unavailable", 500, "This mock always fails."],
    "503": ["overloaded", 503, "This mock is always overloaded."],
    context: ["context_length", 400, "This mock finds every prompt too long."],
    filter: ["content_filter", 400, "This mock finds every prompt improper."],
  };
  if (!Object.hasOwn(failures, name)) return undefined;
  const [kind, status, message] = failures[name]!;
  return new UpstreamError({
    kind,
    status,
    message,
    ...(kind === "rate_limited" ? { retryAfterMs: 1_000 } : {}),
  });
}

function lastText(request: ChatCompletionRequest): string {
  const message = request.messages.findLast(({ role }) => role === "user" || role === "tool") ??
    request.messages.at(-1);
  return textOf(message?.content);
}

function textOf(content: unknown): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  return content.map((part) => (typeof part?.text === "string" ? part.text : "")).join(" ");
}

function stopAt(text: string, stop: unknown): string {
  const words = (Array.isArray(stop) ? stop : [stop]).filter((word) =>
    typeof word === "string" && word !== ""
  ) as string[];
  const ends = words.map((word) => text.indexOf(word)).filter((index) => index >= 0);
  return ends.length === 0 ? text : text.slice(0, Math.min(...ends));
}
