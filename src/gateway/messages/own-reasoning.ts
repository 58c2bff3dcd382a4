import type { FidelityLoss } from "../../plugin/api/provider.ts";
import type { MessagesRequest } from "../../schema/message.ts";

/**
 * The request without reasoning that has no signature: the gateway itself made such blocks, of what a backend without signatures
 * thought, and Anthropic refuses them. A request without any is the given one.
 */
export function withoutUnsigned<Request extends MessagesRequest>(
  request: Request,
  reportLoss: (loss: FidelityLoss) => void,
): Request {
  const isUnsigned = (block: { readonly type: string; readonly signature?: unknown }) =>
    block.type === "thinking" && !block.signature;
  const has = request.messages.some(({ role, content }) =>
    role === "assistant" && Array.isArray(content) && content.some(isUnsigned)
  );
  if (!has) return request;
  const messages = request.messages.flatMap((message, index) => {
    if (message.role !== "assistant" || !Array.isArray(message.content)) return [message];
    const content = message.content.filter((block) => !isUnsigned(block));
    if (content.length < message.content.length) {
      reportLoss({
        field: `messages[${index}].content`,
        effect: "dropped",
        detail: "thinking of another backend, which has no signature, is refused by this one",
      });
    }
    // A turn that held nothing else would be refused for being empty.
    return content.length === 0 ? [] : [{ ...message, content }];
  });
  return { ...request, messages };
}
