import type { CountTokensRequest } from "../../schema/message.ts";
import { withoutUnsigned } from "../messages/own-reasoning.ts";
import type { Operation } from "../operation.ts";
import { promptOfMessages, protocolHeaders, summariseMessages } from "./messages.ts";

/** Counting costs nothing. */
const none = { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 };

/** `POST /v1/messages/count_tokens`. */
export const countTokensOperation: Operation<CountTokensRequest> = {
  name: "count_tokens",
  isFree: true,
  summarise: summariseMessages,
  prompt: promptOfMessages,
  protocolHeaders,

  async complete(provider, body, context) {
    if (provider.messages?.countTokens !== undefined) {
      const { body: count, text } = await provider.messages.countTokens(
        withoutUnsigned(body, context.reportLoss),
        context,
      );
      return { body: count, ...(text === undefined ? {} : { text }), usage: none, outputCharacters: 0 };
    }
    context.reportLoss({
      field: "input_tokens",
      effect: "approximated",
      detail: "this backend does not count tokens; the gateway estimates four characters a token",
    });
    return {
      body: { input_tokens: summariseMessages(body).promptTokens },
      usage: none,
      outputCharacters: 0,
    };
  },
};
