import type { ResponseItem } from "../schema/response.ts";
import { itemTokens } from "./item-tokens.ts";

export interface WindowOptions {
  /** Most tokens of what is kept. */
  readonly tokens: number;
  /** Calls whose results the new turn brings: without the call a result means nothing. */
  readonly awaited?: ReadonlySet<string>;
}

const outputs = new Set(["function_call_output", "custom_tool_call_output"]);
const calls = new Set(["function_call", "custom_tool_call"]);

/**
 * The part of a conversation that is sent along: instructions, and as many of the newest items as fit. Calls of tools stay with their
 * results, thoughts with what they led to. The same items give the same part, whatever else there is.
 *
 * @param items oldest first.
 * @returns whether each of the items is kept.
 */
export function fitWindow(items: readonly ResponseItem[], { tokens, awaited }: WindowOptions): boolean[] {
  const kept = items.map(isInstruction);
  let left = tokens;
  items.forEach((item, index) => {
    if (kept[index]) left -= itemTokens(item);
  });
  let isFull = false;
  for (const block of blocksOf(items).reverse()) {
    if (block.isInstruction || block.isOrphan) continue;
    const needed = block.calls.some((call) => awaited?.has(call));
    const cost = block.items.reduce((sum, index) => sum + itemTokens(items[index]!), 0);
    // Nothing older comes after what does not fit: a conversation with a hole would be another one.
    isFull ||= cost > left;
    if (isFull && !needed) continue;
    left -= cost;
    for (const index of block.items) kept[index] = true;
  }
  return kept;
}

/** Items that stay or go together. */
interface Block {
  readonly items: readonly number[];
  readonly calls: readonly string[];
  readonly isInstruction: boolean;
  /** It holds the result of a call that is not there (any more). */
  readonly isOrphan: boolean;
}

function blocksOf(items: readonly ResponseItem[]): Block[] {
  const blocks: Block[] = [];
  for (let start = 0; start < items.length;) {
    const end = endOfBlock(items, start);
    const within = items.slice(start, end).map((_, index) => start + index);
    const own = within.filter((index) => !isInstruction(items[index]!));
    if (own.length === 0) {
      blocks.push({ items: within, calls: [], isInstruction: true, isOrphan: false });
    } else {
      const made = own.filter((index) => calls.has(items[index]!.type ?? "")).map((index) =>
        callOf(items[index]!)
      );
      const isOrphan = own.some((index) =>
        outputs.has(items[index]!.type ?? "") && !made.includes(callOf(items[index]!))
      );
      blocks.push({ items: own, calls: made, isInstruction: false, isOrphan });
    }
    start = end;
  }
  return blocks;
}

/** A block ends when every call in it has its result, and every thought what it led to. */
function endOfBlock(items: readonly ResponseItem[], start: number): number {
  let last = start;
  for (let index = start; index <= last && index < items.length; index++) {
    const item = items[index]!;
    if (item.type === "reasoning" || isInstruction(item) && index < last) last = Math.max(last, index + 1);
    if (calls.has(item.type ?? "")) {
      const result = items.findLastIndex((other) =>
        outputs.has(other.type ?? "") && callOf(other) === callOf(item)
      );
      last = Math.max(last, result);
      // Calls that were made at once are answered at once.
      if (calls.has(items[index + 1]?.type ?? "")) last = Math.max(last, index + 1);
    }
  }
  return Math.min(last + 1, items.length);
}

function callOf(item: ResponseItem): string {
  return String(item.call_id);
}

export function isInstruction({ role }: ResponseItem): boolean {
  return role === "system" || role === "developer";
}
