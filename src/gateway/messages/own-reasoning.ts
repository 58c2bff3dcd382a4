import type { MessagesRequest } from "../../schema/message.ts";

/**
 * The request without reasoning that has no signature: the gateway itself made such blocks, of what a backend without signatures
 * thought, and Anthropic refuses them. A request without any is the given one.
 */
export function withoutUnsigned<Request extends MessagesRequest>(request: Request): Request {
  const isUnsigned = (block: { readonly type: string; readonly signature?: unknown }) =>
    block.type === "thinking" && !block.signature;
  const has = request.messages.some(({ role, content }) =>
    role === "assistant" && Array.isArray(content) && content.some(isUnsigned)
  );
  if (!has) return request;
  const messages = request.messages.map((message) => {
    if (message.role !== "assistant" || !Array.isArray(message.content)) return message;
    return { ...message, content: message.content.filter((block) => !isUnsigned(block)) };
  });
  return { ...request, messages };
}
