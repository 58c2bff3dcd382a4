import { WholeCharacters } from "./whole-characters.ts";
import { argumentsText } from "./message-content.ts";
import type { FinishReason } from "./finish-reason.ts";

/** A call that has begun. */
interface StartedCall {
  /** The client's index and id; given when the call is announced, which takes a name. */
  index: number;
  id: string;
  /** The backend's id; empty when it gave none. */
  readonly backendId: string;
  name: string;
  hasArguments: boolean;
  /** Arguments that came before the name. */
  held: string;
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
  /** Anything has come but the beginning. */
  hasSpoken = false;
  readonly characters = new WholeCharacters();
  readonly #calls: StartedCall[] = [];
  /** The backend's index → the call that its pieces belong to now. */
  readonly #byIndex = new Map<unknown, StartedCall>();
  /** The backend's indexes are not ours, so every further piece of a call must be written anew. */
  #renumbered = false;
  /** Calls that the client knows of; also the index of the next one. */
  #announced = 0;

  get sawToolCall(): boolean {
    return this.#announced > 0;
  }

  /** Calls that have no arguments yet; the protocol wants `{}` for them. */
  get withoutArguments(): readonly StartedCall[] {
    return this.#calls.filter((call) => call.index >= 0 && !call.hasArguments);
  }

  /** Whether pieces keep the rules as they are: dense indexes from 0; id, type and name once; arguments as text. */
  callsAreClean(calls: readonly LooseCall[]): boolean {
    if (this.#renumbered) return false;
    let count = this.#announced;
    for (const call of calls) {
      if (typeof call !== "object" || call === null || typeof call.index !== "number") return false;
      const text = call.function?.arguments;
      if (typeof text === "string" && !text.isWellFormed()) return false;
      if (call.index === count) {
        if (typeof call.id !== "string" || call.id === "" || this.#isTaken(call, calls)) return false;
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
      let started = this.#byIndex.get(index);
      if (started === undefined) {
        started = this.#start(call);
        this.#announce(started, call.id as string);
      }
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
      const known = this.#find(call);
      const begun = known ?? this.#start(call);
      const text = this.characters.whole(begun, argumentsText(call.function?.arguments));
      if (known !== undefined && known.index >= 0) {
        if (text !== "") known.hasArguments = true;
        if (call.custom !== undefined) return [{ index: known.index, custom: call.custom }];
        return text === "" ? [] : [{ index: known.index, function: { arguments: text } }];
      }
      begun.held += text;
      begun.name ||= nameOf(call);
      if (begun.name === "" && call.type !== "custom") {
        this.#renumbered = true;
        return [];
      }
      const taken = begun.backendId === "" || this.#calls.some(({ id }) => id === begun.backendId);
      this.#announce(begun, taken ? makeId(this.#announced) : begun.backendId);
      const { index, id } = begun;
      if (call.index !== index) this.#renumbered = true;
      if (call.type === "custom") {
        begun.hasArguments = true;
        return [{ ...call, index, id }];
      }
      begun.hasArguments = begun.held !== "";
      const { index: _index, id: _id, type: _type, function: body, ...extra } = call;
      const made = { ...body, name: begun.name, arguments: begun.held };
      return [{ index, id, type: "function", function: made, ...extra }];
    });
  }

  /** The call that a piece continues; undefined when it begins a new one. */
  #find(call: LooseCall): StartedCall | undefined {
    const id = idOf(call);
    const name = nameOf(call);
    const byId = id === "" ? undefined : this.#calls.findLast((known) => known.backendId === id);
    const last = id === "" && name === "" ? this.#calls.at(-1) : undefined;
    if (call.index === undefined || call.index === null) return byId ?? last;
    const byIndex = this.#byIndex.get(call.index);
    // An index of its own and a name begin a call, also under an id that another call has.
    if (byIndex === undefined) return name === "" ? byId ?? last : undefined;
    // Some backends number every call 0: another id, or another name after arguments, is another call.
    if (id !== "" && id !== byIndex.backendId) return byId;
    return name !== "" && name !== byIndex.name && byIndex.hasArguments ? undefined : byIndex;
  }

  #start(call: LooseCall): StartedCall {
    const begun = {
      index: -1,
      id: "",
      backendId: idOf(call),
      name: nameOf(call),
      hasArguments: false,
      held: "",
    };
    this.#calls.push(begun);
    this.#byIndex.set(call.index ?? this.#announced, begun);
    return begun;
  }

  #announce(call: StartedCall, id: string): void {
    call.index = this.#announced++;
    call.id = id;
  }

  /** Whether another call has this one's id. */
  #isTaken(call: LooseCall, beside: readonly LooseCall[]): boolean {
    return this.#calls.some(({ id }) => id === call.id) ||
      beside.some((other) => other !== call && other?.id === call.id);
  }
}

function idOf(call: LooseCall): string {
  return typeof call.id === "string" ? call.id : "";
}

function nameOf(call: LooseCall): string {
  return typeof call.function?.name === "string" ? call.function.name : "";
}
