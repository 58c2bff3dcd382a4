import type { Conversation } from "../../memory/contracts.ts";
import { madeConversation, type Memory } from "../../memory/memory.ts";
import type { MemoryPolicies } from "../../memory/policies.ts";
import { type RememberedNote, rememberedText } from "../../memory/remembered-text.ts";
import type { OperationName } from "../../router/contracts.ts";
import type { ChatMessage } from "../../schema/chat-completion.ts";
import type { MemoryPolicy } from "../../schema/memory.ts";
import type { ResponseItem } from "../../schema/response.ts";
import { keptItems } from "../responses/input-items.ts";
import { itemsToChat } from "../responses/items-to-chat.ts";
import type { AnswerEditor } from "../stages/answer-editor.ts";
import { plainText } from "../stages/content-texts.ts";
import { toInputItems } from "../stages/responses-prompt.ts";
import type { AnswerStage, Exchange, Stage } from "../stages/stage.ts";
import { CollectedAnswer } from "./collected-answer.ts";
import type { GatewayMemory } from "./gateway-memory.ts";
import {
  checkNames,
  conversationNotFound,
  type MemoryRequest,
  memoryRequest,
  memoryUnavailable,
} from "./memory-request.ts";
import { newTurn } from "./new-turn.ts";

/** What has been found out about a request, for when its answer comes. */
interface PendingTurn {
  readonly request: MemoryRequest & { readonly conversation: string };
  readonly policy: MemoryPolicy;
  readonly fresh: readonly ChatMessage[];
}

/** Operations whose turns are kept here; those of Responses are kept where responses are. */
const kept: ReadonlySet<OperationName> = new Set(["chat", "messages"]);
const remembering: ReadonlySet<OperationName> = new Set([...kept, "responses"]);

/**
 * The two stages of memory. The one that writes stands before all others, so that it sees an answer as the client gets it, and the
 * other behind the guardrails: what they have taken out of a request is not remembered either.
 */
export function memoryStages(
  gateway: GatewayMemory,
  policies: MemoryPolicies,
): { readonly write: Stage; readonly recall: Stage } {
  const turns = new WeakMap<Exchange, PendingTurn>();
  /** How many messages the client itself has sent: personas put examples before them. */
  const own = new WeakMap<Exchange, number>();
  const policyOf = ({ operation, depth, model, resolution }: Exchange) =>
    depth === 0 && remembering.has(operation) ? policies.find(model, resolution.routeIndex) : undefined;
  const requestOf = (exchange: Exchange) => memoryRequest(exchange.headers, exchange.prompt.body);
  const concerns = (exchange: Exchange): boolean => {
    if (policyOf(exchange) === undefined) return false;
    const { conversation, user, mode } = requestOf(exchange);
    return mode !== "off" && (conversation !== undefined || user !== undefined);
  };
  return {
    write: {
      name: "memory",
      concerns: (exchange) => kept.has(exchange.operation) && concerns(exchange),
      begin(exchange) {
        own.set(exchange, exchange.prompt.conversation().length);
        return new TurnWriter(gateway, exchange, () => turns.get(exchange));
      },
    },
    recall: {
      name: "memory",
      concerns,
      async begin(exchange) {
        const policy = policyOf(exchange)!;
        const request = requestOf(exchange);
        checkNames(request);
        const fresh = await recall(gateway, exchange, request, policy, own.get(exchange));
        const { conversation, mode } = request;
        if (conversation === undefined || mode !== "on" || policy.window_tokens === 0) return;
        turns.set(exchange, { request: { ...request, conversation }, policy, fresh });
      },
    },
  };
}

/** @returns what of the client's messages is new. */
async function recall(
  gateway: GatewayMemory,
  exchange: Exchange,
  request: MemoryRequest,
  policy: MemoryPolicy,
  own: number | undefined,
): Promise<readonly ChatMessage[]> {
  const { prompt } = exchange;
  const all = prompt.conversation();
  const sent = own === undefined ? all : all.slice(Math.max(0, all.length - own));
  const notes: RememberedNote[] = [];
  let fresh = newTurn(undefined, sent).fresh;
  let turns = 0;
  try {
    const memory = await gateway.open();
    const conversation = await findConversation(memory, exchange, request);
    if (kept.has(exchange.operation) && policy.window_tokens > 0) {
      const turn = newTurn(await keptTurns(memory, conversation, policy, sent), sent);
      fresh = turn.fresh;
      turns = turn.before.length;
      // Examples come first, and then what was really said.
      if (all.length > sent.length && sent.length === 1) prompt.insertBeforeLast(turn.before);
      else prompt.prepend(turn.before);
    }
    if (conversation !== undefined && conversation.summary !== "") {
      notes.push({ kind: "summary", text: conversation.summary, at: conversation.updatedAt });
    }
    notes.push(...await facts(memory, gateway, exchange, request, policy, fresh));
  } catch (error) {
    forgiven(error, exchange, policy, gateway);
    exchange.note({ stage: "memory", action: "skipped", detail: "the memory could not be read" });
  }
  prompt.addInstructions(rememberedText(notes), "last");
  if (turns + notes.length > 0) {
    exchange.note({
      stage: "memory",
      action: "recalled",
      detail: `${turns} messages, ${notes.length} notes`,
    });
  }
  return fresh;
}

async function findConversation(
  memory: Memory,
  { principal }: Exchange,
  { conversation: id }: MemoryRequest,
): Promise<Conversation | undefined> {
  if (id === undefined) return undefined;
  const found = await memory.find(principal.tenant, id);
  // Nobody makes up an id of this form; another tenant's is as unknown as one that never was.
  if (found === undefined && id.startsWith(madeConversation)) throw conversationNotFound(id);
  return found;
}

async function keptTurns(
  memory: Memory,
  conversation: Conversation | undefined,
  { window_tokens: tokens }: MemoryPolicy,
  sent: readonly ChatMessage[],
): Promise<ChatMessage[]> {
  if (conversation === undefined) return [];
  const awaited = new Set(sent.flatMap(({ role, tool_call_id: id }) => role === "tool" && id ? [id] : []));
  return itemsToChat(undefined, await memory.window(conversation, tokens, awaited), {
    reasoningReplay: undefined,
    historyLength: Infinity,
    fileAddresses: true,
    reportLoss: () => {},
  });
}

async function facts(
  memory: Memory,
  gateway: GatewayMemory,
  exchange: Exchange,
  { user, conversation }: MemoryRequest,
  policy: MemoryPolicy,
  fresh: readonly ChatMessage[],
): Promise<RememberedNote[]> {
  const last = fresh.findLast(({ role }) => role === "user");
  const question = plainText(last?.content);
  if (question === "" || policy.recall_tokens === 0) return [];
  const owner = { tenant: exchange.principal.tenant, user, conversation: conversation ?? "" };
  return await memory.recall(owner, question, policy, gateway.embedding(exchange));
}

/** @throws the error, where the client must be told. */
function forgiven(error: unknown, exchange: Exchange, policy: MemoryPolicy, gateway: GatewayMemory): void {
  if (exchange.signal.aborted) throw error;
  // Unknown conversations are the client's to know of, whatever the route forgives.
  if ((error as { readonly code?: unknown }).code === "conversation_not_found") throw error;
  if (policy.on_failure === "fail") throw memoryUnavailable(error);
  gateway.onError("the memory could not be read", error);
}

/** Keeps a turn when its answer has come, as the client gets it and only if it is whole. */
class TurnWriter implements AnswerStage {
  readonly #gateway: GatewayMemory;
  readonly #exchange: Exchange;
  readonly #turn: () => PendingTurn | undefined;

  constructor(gateway: GatewayMemory, exchange: Exchange, turn: () => PendingTurn | undefined) {
    this.#gateway = gateway;
    this.#exchange = exchange;
    this.#turn = turn;
  }

  async answer(answer: AnswerEditor): Promise<void> {
    const message = answer.message();
    if (message !== undefined && !this.#exchange.signal.aborted) await this.#keep(message);
  }

  async *stream(pieces: AsyncIterable<readonly string[]>): AsyncGenerator<readonly string[]> {
    const answer = new CollectedAnswer(this.#exchange.operation);
    try {
      for await (const texts of pieces) {
        answer.add(texts);
        yield texts;
      }
    } finally {
      // A client may leave with the last word, before the end of the stream is told.
      if (answer.isWhole) await this.#keep(answer.message());
    }
  }

  async #keep(message: ChatMessage): Promise<void> {
    const turn = this.#turn();
    if (turn === undefined) return;
    const { request: { conversation, user }, policy, fresh } = turn;
    const { principal } = this.#exchange;
    const items = keptItems(toInputItems([...fresh, withRefusal(message)]));
    try {
      const memory = await this.#gateway.open();
      await memory.remember({
        tenant: principal.tenant,
        conversation,
        user,
        items: items.filter(isSaid),
        caller: principal.id,
        policy,
        opens: !conversation.startsWith(madeConversation),
      });
    } catch (error) {
      // The client has its answer all the same.
      this.#gateway.onError("a turn of a conversation is lost", error);
    }
  }
}

function withRefusal(message: ChatMessage): ChatMessage {
  const { content, refusal } = message;
  return plainText(content) === "" && typeof refusal === "string"
    ? { ...message, content: refusal }
    : message;
}

function isSaid({ type, content }: ResponseItem): boolean {
  return type !== "message" || (content ?? "").length > 0;
}
