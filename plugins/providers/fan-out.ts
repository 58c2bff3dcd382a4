import type {
  CallContext,
  CallResult,
  ChatCapability,
  ChatCompletion,
  ChatCompletionChunk,
  ChatCompletionRequest,
  FidelityLoss,
  StreamFrame,
  StreamResult,
  Usage,
} from "intellirouter/plugin";
import { addUsage } from "./hub/add-usage.ts";

/**
 * Lets a backend that gives one answer at a time give several: it is asked `n` times at once, each time for one. Usage is the sum, as
 * each of the calls is paid for. When one of them fails the whole fails.
 *
 * @param chat what asks for one answer; it never sees an `n` other than 1.
 */
export function fanOut(chat: ChatCapability): ChatCapability {
  return {
    complete(request, context) {
      const count = request.n ?? 1;
      return count === 1 ? chat.complete(request, context) : completeMany(chat, request, context, count);
    },
    stream(request, context) {
      const count = request.n ?? 1;
      return count === 1 ? chat.stream(request, context) : streamMany(chat, request, context, count);
    },
  };
}

async function completeMany(
  chat: ChatCapability,
  request: ChatCompletionRequest,
  context: CallContext,
  count: number,
): Promise<CallResult<ChatCompletion>> {
  const results = await askMany(context, count, (each) => chat.complete({ ...request, n: 1 }, each));
  const [first] = results;
  const usage = results.reduce<Usage | undefined>((sum, { body }) => addUsage(sum, body.usage), undefined);
  const choices = results.flatMap(({ body }, index) => body.choices.map((choice) => ({ ...choice, index })));
  return {
    body: { ...first!.body, choices, ...(usage === undefined ? {} : { usage }) },
    ...headersOf(results),
  };
}

async function streamMany(
  chat: ChatCapability,
  request: ChatCompletionRequest,
  context: CallContext,
  count: number,
): Promise<StreamResult<ChatCompletionChunk>> {
  const results = await askMany(context, count, (each) => chat.stream({ ...request, n: 1 }, each));
  const streams = results.map(({ frames }) => frames);
  return {
    frames: { [Symbol.asyncIterator]: () => new InterleavedFrames(streams) },
    ...headersOf(results),
  };
}

/** The state of the limits is the newest in the answer that was begun last. */
function headersOf(results: readonly { readonly headers?: Headers }[]): { readonly headers?: Headers } {
  const headers = results.at(-1)?.headers;
  return headers === undefined ? {} : { headers };
}

/** All of the calls, or the first failure, upon which the others are broken off. */
async function askMany<Result>(
  context: CallContext,
  count: number,
  ask: (context: CallContext) => Promise<Result>,
): Promise<Result[]> {
  const stop = new AbortController();
  const each: CallContext = {
    ...context,
    signal: AbortSignal.any([context.signal, stop.signal]),
    reportLoss: onceEach(context.reportLoss),
  };
  try {
    return await Promise.all(Array.from({ length: count }, () => ask(each)));
  } catch (error) {
    stop.abort(error);
    throw context.signal.aborted ? context.signal.reason : error;
  }
}

/** Every call loses the same, which is told once; what forbids a loss forbids it to each of them. */
function onceEach(report: (loss: FidelityLoss) => void): (loss: FidelityLoss) => void {
  const told = new Map<string, { readonly refusal: unknown } | undefined>();
  return (loss) => {
    const key = JSON.stringify([loss.field, loss.effect]);
    if (!told.has(key)) {
      try {
        report(loss);
        told.set(key, undefined);
      } catch (refusal) {
        told.set(key, { refusal });
      }
    }
    const refused = told.get(key);
    if (refused !== undefined) throw refused.refusal;
  };
}

type Frames = readonly StreamFrame<ChatCompletionChunk>[];
type Arrival =
  | { readonly index: number; readonly result: IteratorResult<Frames> }
  | { readonly index: number; readonly failure: unknown };

/** Batches of several streams as they come. Not a generator: one that has not begun cannot be told to let go of connections. */
class InterleavedFrames implements AsyncIterator<Frames, undefined> {
  readonly #iterators: readonly AsyncIterator<Frames>[];
  readonly #arrivals: Arrival[] = [];
  #wake: (() => void) | undefined;
  #open: number;
  #begun = false;
  #over = false;
  #usage: Usage | undefined;
  #head: ChatCompletionChunk | undefined;

  constructor(streams: readonly AsyncIterable<Frames>[]) {
    this.#iterators = streams.map((stream) => stream[Symbol.asyncIterator]());
    this.#open = streams.length;
  }

  async next(): Promise<IteratorResult<Frames, undefined>> {
    if (!this.#begun && !this.#over) {
      this.#begun = true;
      this.#iterators.forEach((_iterator, index) => this.#ask(index));
    }
    while (!this.#over) {
      const arrival = this.#arrivals.shift();
      if (arrival === undefined) {
        await new Promise<void>((resolve) => this.#wake = resolve);
        continue;
      }
      if ("failure" in arrival) {
        await this.return();
        throw arrival.failure;
      }
      if (!arrival.result.done) {
        this.#ask(arrival.index);
        return { done: false, value: this.#relabel(arrival.result.value, arrival.index) };
      }
      if (--this.#open === 0) {
        this.#over = true;
        const last = this.#lastChunk();
        if (last !== undefined) return { done: false, value: [{ chunk: last }] };
      }
    }
    return { done: true, value: undefined };
  }

  async return(): Promise<IteratorReturnResult<undefined>> {
    this.#over = true;
    this.#wake?.();
    await Promise.all(this.#iterators.map((iterator) => iterator.return?.()));
    return { done: true, value: undefined };
  }

  #ask(index: number): void {
    this.#iterators[index]!.next().then(
      (result) => this.#arrive({ index, result }),
      (failure) => this.#arrive({ index, failure }),
    );
  }

  #arrive(arrival: Arrival): void {
    this.#arrivals.push(arrival);
    this.#wake?.();
  }

  #relabel(frames: Frames, index: number): Frames {
    return frames.flatMap(({ chunk: { usage, ...chunk } }) => {
      this.#usage = addUsage(this.#usage, usage);
      this.#head ??= { ...chunk, choices: [] };
      if (chunk.choices.length === 0) return [];
      return [{ chunk: { ...chunk, choices: chunk.choices.map((choice) => ({ ...choice, index })) } }];
    });
  }

  #lastChunk(): ChatCompletionChunk | undefined {
    if (this.#head === undefined || this.#usage === undefined) return undefined;
    return { ...this.#head, usage: this.#usage };
  }
}
