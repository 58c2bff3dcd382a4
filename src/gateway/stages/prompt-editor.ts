import type { ChatMessage } from "../../schema/chat-completion.ts";
import type { RequestBody } from "../request-body.ts";

/** A text within a request or an answer. */
export interface EditableText {
  /** Who says it; results of tools are `tool`, developers' words are `system`. */
  readonly role: "system" | "user" | "assistant" | "tool";
  /** `arguments` of a call are JSON, and must be JSON again when they have been changed. */
  readonly kind: "text" | "arguments";
  /** Where it stands, as in `messages[2].content[0].text`. */
  readonly path: string;
  readonly text: string;
}

/** Settings of a request under the names that chat completions have for them. */
export interface PromptDefaults {
  readonly temperature?: number | undefined;
  readonly top_p?: number | undefined;
  readonly max_completion_tokens?: number | undefined;
  readonly stop?: readonly string[] | undefined;
  readonly [parameter: string]: unknown;
}

/**
 * A request for reading and changing, in the terms that all protocols share. The request it was made of is never changed itself.
 */
export interface PromptEditor<Body extends RequestBody = RequestBody> {
  /** As it stands. */
  readonly body: Body;
  readonly isChanged: boolean;
  /** Every text in it, in order: instructions, messages, results of tools, arguments of calls. */
  texts(): EditableText[];
  /** Puts the text that `change` gives in the place of each. */
  mapTexts(change: (text: EditableText) => string): void;
  /** The conversation without instructions, as chat messages; empty for requests that are none. */
  conversation(): ChatMessage[];
  /** Puts instructions before all others, or after those that stand at the beginning. */
  addInstructions(text: string, place: "first" | "last"): void;
  /** Takes away every instruction that the client gave. */
  dropInstructions(): void;
  /** Puts messages between the instructions at the beginning and the conversation. */
  prepend(messages: readonly ChatMessage[]): void;
  /** Puts messages before the user's last words. */
  insertBeforeLast(messages: readonly ChatMessage[]): void;
  /** Sets what the client has not set; what a protocol has no name for is left out. */
  setDefaults(defaults: PromptDefaults): void;
  /** Takes away what asks for a search of files that is done elsewhere: the tool, its choice, and its results in the answer. */
  dropFileSearch(): void;
  /** Takes away the tools that are not allowed, by name (`function` tools) or type (all others), and choices that name them. */
  restrictTools(isAllowed: (name: string) => boolean): void;
}

/** A protocol's own part of an editor. */
export interface PromptDialect<Body extends RequestBody> {
  mapTexts(body: Body, change: (text: EditableText) => string): Body;
  conversation(body: Body): ChatMessage[];
  addInstructions(body: Body, text: string, place: "first" | "last"): Body;
  dropInstructions(body: Body): Body;
  insert(body: Body, messages: readonly ChatMessage[], place: "first" | "before_last"): Body;
  /** What it has to take away beside the tool; absent where the protocol knows no search. */
  dropFileSearch?(body: Body): Body;
  /** The protocol's name of one of chat's parameters; undefined where it has none. */
  parameter(name: string): string | undefined;
}

/** Edits a request by its protocol's dialect. */
export class DialectPromptEditor<Body extends RequestBody> implements PromptEditor<Body> {
  readonly #dialect: PromptDialect<Body>;
  readonly #given: Body;
  #body: Body;

  constructor(dialect: PromptDialect<Body>, body: Body) {
    this.#dialect = dialect;
    this.#given = this.#body = body;
  }

  get body(): Body {
    return this.#body;
  }

  get isChanged(): boolean {
    return this.#body !== this.#given;
  }

  texts(): EditableText[] {
    const texts: EditableText[] = [];
    this.#dialect.mapTexts(this.#body, (text) => {
      texts.push(text);
      return text.text;
    });
    return texts;
  }

  mapTexts(change: (text: EditableText) => string): void {
    let isChanged = false;
    const body = this.#dialect.mapTexts(this.#body, (text) => {
      const changed = change(text);
      isChanged ||= changed !== text.text;
      return changed;
    });
    if (isChanged) this.#body = body;
  }

  conversation(): ChatMessage[] {
    return this.#dialect.conversation(this.#body);
  }

  addInstructions(text: string, place: "first" | "last"): void {
    if (text !== "") this.#body = this.#dialect.addInstructions(this.#body, text, place);
  }

  dropInstructions(): void {
    this.#body = this.#dialect.dropInstructions(this.#body);
  }

  prepend(messages: readonly ChatMessage[]): void {
    if (messages.length > 0) this.#body = this.#dialect.insert(this.#body, messages, "first");
  }

  insertBeforeLast(messages: readonly ChatMessage[]): void {
    if (messages.length > 0) this.#body = this.#dialect.insert(this.#body, messages, "before_last");
  }

  setDefaults(defaults: PromptDefaults): void {
    const added: Record<string, unknown> = {};
    for (const [name, value] of Object.entries(defaults)) {
      const own = this.#dialect.parameter(name);
      if (own !== undefined && value !== undefined && (this.#body[own] ?? null) === null) added[own] = value;
    }
    // A backend heeds one of the two spellings, and which one is not known here.
    if (this.#body.max_tokens) delete added.max_completion_tokens;
    if (Object.keys(added).length > 0) this.#body = { ...this.#body, ...added };
  }

  dropFileSearch(): void {
    this.restrictTools((name) => name !== "file_search");
    this.#body = this.#dialect.dropFileSearch?.(this.#body) ?? this.#body;
  }

  restrictTools(isAllowed: (name: string) => boolean): void {
    const { tools, tool_choice: choice } = this.#body;
    if (!Array.isArray(tools)) return;
    const kept = tools.filter((tool) => isAllowed(toolName(tool)));
    if (kept.length === tools.length) return;
    const { tools: _tools, tool_choice: _choice, parallel_tool_calls: _parallel, ...rest } = this.#body;
    if (kept.length === 0) {
      this.#body = rest as unknown as Body;
      return;
    }
    const named = chosenName(choice);
    const isGone = named !== undefined && !kept.some((tool) => toolName(tool) === named);
    const body = { ...this.#body, tools: kept };
    if (isGone) delete (body as Record<string, unknown>).tool_choice;
    this.#body = body;
  }
}

type Loose = Readonly<Record<string, unknown>>;

/** What a tool is called: functions by their names, in whichever form; those of the backend by their types. */
function toolName(tool: unknown): string {
  const { name, type, function: given, custom } = tool as Loose;
  const inner = (given ?? custom) as Loose | undefined;
  return String(inner?.name ?? name ?? type ?? "");
}

function chosenName(choice: unknown): string | undefined {
  if (typeof choice !== "object" || choice === null) return undefined;
  const { name, type, function: given, custom } = choice as Loose;
  const inner = (given ?? custom) as Loose | undefined;
  const found = inner?.name ?? name;
  if (found !== undefined) return String(found);
  return typeof type === "string" && !["auto", "any", "none", "required", "allowed_tools"].includes(type)
    ? type
    : undefined;
}
