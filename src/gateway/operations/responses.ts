import type { CallContext, Provider, ResponsesCapability } from "../../plugin/api/provider.ts";
import type { ChatCompletionRequest } from "../../schema/chat-completion.ts";
import type { InputTokensRequest, ResponseObject, ResponsesRequest } from "../../schema/response.ts";
import { normaliseChatCompletion } from "../normalise/chat-completion.ts";
import type { NormalisedWhole, NormaliserOptions, Operation, RequestSummary } from "../operation.ts";
import { backendRequest } from "../responses/backend-request.ts";
import { ownResponse } from "../responses/backend-response.ts";
import { chatToResponse } from "../responses/from-chat.ts";
import { inputItems } from "../responses/input-items.ts";
import { ResponseEventEncoder } from "../responses/response-event-encoder.ts";
import { ResponseEventNormaliser } from "../responses/response-event-normaliser.ts";
import type { ResponseTurn } from "../responses/response-turn.ts";
import { chatUsage } from "../responses/response-usage.ts";
import { responsesToChat } from "../responses/to-chat.ts";
import { chatOf, measureChat } from "./chat.ts";
import { DialectAnswerEditor, responsesAnswer } from "../stages/answer-editor.ts";
import { DialectPromptEditor } from "../stages/prompt-editor.ts";
import { responsesPrompt } from "../stages/responses-prompt.ts";
import { contentTokens, tokensOf } from "./prompt-size.ts";

/** Every item costs a few tokens of framing. */
const tokensPerItem = 4;

/** Counting costs nothing. */
const none = { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 };

/** `POST /v1/responses`, OpenAI's newer protocol; one for each turn. */
export function responsesOperation(turn: ResponseTurn): Operation<ResponsesRequest> {
  return {
    name: "responses",
    summarise: summariseResponses,
    prompt: promptOfResponses,

    async complete(provider, body, context, options) {
      if (provider.responses !== undefined) {
        return await completeNatively(provider.responses, body, context, options, turn);
      }
      const { body: answer } = await chatOf(provider).complete(
        chatRequest(provider, body, context, turn),
        context,
      );
      const measured = measureChat(normaliseChatCompletion(answer, options));
      turn.response = chatToResponse(measured.body, turn);
      return { ...measured, body: turn.response };
    },

    async stream(provider, body, context, options) {
      if (provider.responses !== undefined) {
        const request = backendRequest(body, turn, context.reportLoss);
        const { frames } = await provider.responses.stream(request, context);
        return { frames, normaliser: new ResponseEventNormaliser(options, turn) };
      }
      const { frames } = await chatOf(provider).stream(chatRequest(provider, body, context, turn), context);
      return { frames, normaliser: new ResponseEventEncoder(options, turn) };
    },

    editPrompt: (body) =>
      new DialectPromptEditor(responsesPrompt((items) => turn.itemsBefore += items), body),
    editAnswer: (body) => new DialectAnswerEditor(responsesAnswer, body as ResponseObject),
    replaceAnswer: (response) => turn.response = response as ResponseObject,
    limitOutput: (body, tokens) => ({ ...body, max_output_tokens: tokens }),
    framing: "named",
  };
}

/** `POST /v1/responses/input_tokens` */
export const inputTokensOperation: Operation<InputTokensRequest> = {
  name: "responses",
  isFree: true,
  summarise: summariseResponses,
  prompt: promptOfResponses,

  complete(_provider, body, context) {
    context.reportLoss({
      field: "input_tokens",
      effect: "approximated",
      detail: "the gateway estimates four characters a token",
    });
    return Promise.resolve({
      body: { object: "response.input_tokens", input_tokens: summariseResponses(body).promptTokens },
      usage: none,
      outputCharacters: 0,
    });
  },
};

function chatRequest(
  provider: Provider,
  body: ResponsesRequest,
  context: CallContext,
  turn: ResponseTurn,
): ChatCompletionRequest {
  return responsesToChat(body, {
    reasoningReplay: provider.reasoningReplay,
    fileAddresses: provider.fileAddresses ?? false,
    historyLength: turn.earlierItems,
    reportLoss: context.reportLoss,
  });
}

async function completeNatively(
  capability: ResponsesCapability,
  body: ResponsesRequest,
  context: CallContext,
  options: NormaliserOptions,
  turn: ResponseTurn,
): Promise<NormalisedWhole> {
  const { body: given, text } = await capability.complete(
    backendRequest(body, turn, context.reportLoss),
    context,
  );
  const response = turn.response = ownResponse(given, turn, options.forcedModel);
  return {
    body: response,
    ...(text === undefined || response !== given ? {} : { text }),
    usage: chatUsage(response.usage),
    outputCharacters: JSON.stringify(response.output).length,
  };
}

function summariseResponses(body: ResponsesRequest): RequestSummary {
  let promptTokens = tokensOf(body.instructions?.length ?? 0);
  let needsVision = false;
  for (const item of inputItems(body.input)) {
    promptTokens += tokensPerItem;
    if (item.type !== "message") {
      promptTokens += tokensOf(JSON.stringify(item).length);
      continue;
    }
    promptTokens += contentTokens(item.content);
    if (Array.isArray(item.content)) {
      needsVision ||= item.content.some(({ type }) => type === "input_image");
    }
  }
  const tools = body.tools ?? [];
  if (tools.length > 0) promptTokens += tokensOf(JSON.stringify(tools).length);
  return {
    promptTokens,
    maxOutputTokens: body.max_output_tokens ?? undefined,
    needsTools: tools.length > 0,
    needsVision,
    needsJsonSchema: body.text?.format?.type === "json_schema",
    user: body.user ?? body.safety_identifier ?? undefined,
  };
}

function promptOfResponses(body: ResponsesRequest): string {
  const tools = body.tools?.length ? JSON.stringify(body.tools) : "";
  return `${tools}${body.instructions ?? ""}` +
    inputItems(body.input).map((item) => {
      if (item.type !== "message") return `\u0000${JSON.stringify(item)}`;
      const { role, content } = item;
      return `\u0000${role}\u0000${typeof content === "string" ? content : JSON.stringify(content)}`;
    }).join("");
}
