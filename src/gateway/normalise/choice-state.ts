import { argumentsText } from "./message-content.ts";
import type { FinishReason } from "./finish-reason.ts";

/** A call that has begun. */
interface StartedCall {
  readonly index: number;
  readonly id: string;
  hasArguments: boolean;
}

/** One piece of a tool call as backends send it. */
export interface LooseCall {
  readonly index?: unknown;
  readonly id?: unknown;
  readonly type?: unknown;
  readonly function?: { readonly name?: unknown; readonly arguments?: unknown } | null;
  readonly custom?: unknown;
}

/** What one choice of a stream has sent so far; knows what the next piece must look like. */
export class ChoiceState {
  roleSent = false;
  finished: FinishReason | undefined;
  readonly #calls: StartedCall[] = [];
  /** The backend's index → the call that its pieces belong to now. */
  readonly #byIndex = new Map<unknown, StartedCall>();
  /** The backend's indexes are not ours, so every further piece of a call must be written anew. */
  #renumbered = false;

  get sawToolCall(): boolean {
    return this.#calls.length > 0;
  }

  /** Calls that have no arguments yet; the protocol wants `{}` for them. */
  get withoutArguments(): readonly StartedCall[] {
    return this.#calls.filter((call) => !call.hasArguments);
  }

  /** Whether pieces keep the rules as they are: dense indexes from 0; id, type and name once; arguments as text. */
  callsAreClean(calls: readonly LooseCall[]): boolean {
    if (this.#renumbered) return false;
    let count = this.#calls.length;
    for (const call of calls) {
      if (typeof call !== "object" || call === null || typeof call.index !== "number") return false;
      const text = call.function?.arguments;
      if (call.index === count) {
        if (typeof call.id !== "string" || call.id === "") return false;
        if (call.type === "custom") { if (typeof call.custom !== "object") return false; }
        else if (
          call.type !== "function" || typeof call.function?.name !== "string" || call.function.name === "" ||
          typeof text !== "string"
        ) return false;
        count++;
      } else {
        if (
          this.#byIndex.get(call.index)?.index !== call.index || call.id !== undefined ||
          call.type !== undefined
        ) return false;
        if (call.custom === undefined && (typeof text !== "string" || call.function?.name !== undefined)) {
          return false;
        }
      }
    }
    return true;
  }

  /** Takes note of pieces that are clean. */
  noteCalls(calls: readonly LooseCall[]): void {
    for (const call of calls) {
      const index = call.index as number;
      const started = this.#byIndex.get(index) ?? this.#start(index, call.id as string);
      if (call.custom !== undefined || argumentsText(call.function?.arguments) !== "") {
        started.hasArguments = true;
      }
    }
  }

  /** The same pieces as they should have been. */
  mendCalls(calls: readonly unknown[], makeId: (index: number) => string): Record<string, unknown>[] {
    return calls.flatMap((value): Record<string, unknown>[] => {
      if (typeof value !== "object" || value === null) return [];
      const call = value as LooseCall;
      const text = argumentsText(call.function?.arguments);
      const known = this.#find(call);
      if (known !== undefined) {
        if (text !== "") known.hasArguments = true;
        if (call.custom !== undefined) return [{ index: known.index, custom: call.custom }];
        return text === "" ? [] : [{ index: known.index, function: { arguments: text } }];
      }
      const index = this.#calls.length;
      const id = typeof call.id === "string" && call.id !== "" ? call.id : makeId(index);
      const started = this.#start(call.index ?? index, id);
      if (call.index !== index) this.#renumbered = true;
      if (call.type === "custom") {
        started.hasArguments = true;
        return [{ ...call, index, id }];
      }
      started.hasArguments = text !== "";
      const { index: _index, id: _id, type: _type, function: body, ...extra } = call;
      return [{
        index,
        id,
        type: "function",
        function: { ...body, name: String(body?.name ?? ""), arguments: text },
        ...extra,
      }];
    });
  }

  /** The call that a piece continues; undefined when it begins a new one. */
  #find(call: LooseCall): StartedCall | undefined {
    const hasId = typeof call.id === "string" && call.id !== "";
    const byId = hasId ? this.#calls.find((known) => known.id === call.id) : undefined;
    if (byId !== undefined) return byId;
    const hasName = typeof call.function?.name === "string" && call.function.name !== "";
    if (call.index === undefined || call.index === null) {
      return hasId || hasName ? undefined : this.#calls.at(-1);
    }
    const byIndex = this.#byIndex.get(call.index);
    // Another id under a used index is another call: some backends number every call 0.
    return hasId && byIndex !== undefined ? undefined : byIndex;
  }

  #start(upstreamIndex: unknown, id: string): StartedCall {
    const call = { index: this.#calls.length, id, hasArguments: false };
    this.#calls.push(call);
    this.#byIndex.set(upstreamIndex, call);
    return call;
  }
}
