import type { RequestBody } from "../request-body.ts";
import { mapSame, withField } from "./content-texts.ts";
import type { PromptDialect } from "./prompt-editor.ts";

/**
 * How endpoints say things that take a text, or several, in one field: `prompt` of completions, `input` of embeddings. There is no
 * conversation in them; instructions go before a text.
 */
export function inputPrompt<Body extends RequestBody>(field: "prompt" | "input"): PromptDialect<Body> {
  const mapAll = (body: Body, change: (text: string, path: string) => string): Body => {
    const value = body[field];
    if (typeof value === "string") return withField(body, field, change(value, field));
    if (!Array.isArray(value)) return body;
    // Prompts may be given as the ids of tokens, which are no text.
    const mapped = mapSame(
      value as unknown[],
      (item, index) => typeof item === "string" ? change(item, `${field}[${index}]`) : item,
    );
    return withField(body, field, mapped);
  };
  return {
    mapTexts: (body, change) =>
      mapAll(body, (text, path) => change({ role: "user", kind: "text", path, text })),
    conversation: () => [],
    addInstructions: (body, text) =>
      field === "prompt" ? mapAll(body, (given) => `${text}\n\n${given}`) : body,
    dropInstructions: (body) => body,
    insert: (body) => body,
    parameter: (name) =>
      field === "input" ? undefined : name === "max_completion_tokens" ? "max_tokens" : name,
  };
}
