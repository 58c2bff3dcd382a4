import { definePlugin } from "intellirouter/plugin";
import type { StrategyOutcome } from "intellirouter/plugin";
import { LRUCache } from "lru-cache";
import { z } from "zod";

/** How much of the past an observation leaves: about the last twenty count. */
const decay = 0.95;

/** Decayed least squares of y over x, from running sums. */
class Line {
  #n = 0;
  #x = 0;
  #y = 0;
  #xx = 0;
  #xy = 0;

  observe(x: number, y: number): void {
    this.#n = this.#n * decay + 1;
    this.#x = this.#x * decay + x;
    this.#y = this.#y * decay + y;
    this.#xx = this.#xx * decay + x * x;
    this.#xy = this.#xy * decay + x * y;
  }

  get known(): boolean {
    return this.#n > 0;
  }

  /** Growth of y with x; never negative, and the mean ratio where all x are alike. */
  get slope(): number {
    const meanX = this.#x / this.#n;
    const variance = this.#xx / this.#n - meanX * meanX;
    if (variance < 1e-9) return this.#y / Math.max(this.#x, 1);
    return Math.max(0, (this.#xy / this.#n - meanX * (this.#y / this.#n)) / variance);
  }

  /** Neither slope nor intercept of a time can be negative; where the sums say so, the mean is the better guess. */
  predict(x: number): number {
    const meanX = this.#x / this.#n;
    const meanY = this.#y / this.#n;
    const variance = this.#xx / this.#n - meanX * meanX;
    if (variance < 1e-9) return meanY;
    const slope = Math.max(0, (this.#xy / this.#n - meanX * meanY) / variance);
    return slope * meanX > meanY ? meanY * (x / Math.max(meanX, 1)) : meanY + slope * (x - meanX);
  }
}

interface Knowledge {
  /** First-token time over prompt tokens. */
  readonly firstToken: Line;
  /** Milliseconds for one output token. */
  perToken: number | undefined;
  /** Time of answers that came whole, over their tokens: they do not tell when they began. */
  readonly whole: Line;
}

/**
 * Predicts this request's time on every target: first-token time for its prompt, plus its expected output at the
 * target's rate, plus the work that waits before it. An average of past times would rather
 * measure how long the past requests were. Targets that are not known yet go first, and a small share of requests
 * goes elsewhere, so that a target that has become faster is noticed.
 */
export default definePlugin({
  apiVersion: 1,
  kind: "strategy",
  name: "latency",
  description: "The target that is predicted to be done first, from this request's own sizes.",
  options: z.strictObject({
    explore: z.number().min(0).max(1).default(0.02).describe(
      "Share of requests sent to another target than the best, to keep learning.",
    ),
  }),
  create({ explore }, host) {
    // With wildcard targets clients choose the names.
    const knowledge = new LRUCache<string, Knowledge>({ max: 1_000 });
    return {
      rank(targets, request) {
        const predicted = targets.map(({ id, outstandingTokens }) => {
          const known = knowledge.get(id);
          if (known === undefined || !(known.firstToken.known || known.whole.known)) {
            return { id, ms: 0, tie: host.random() };
          }
          const useWhole = known.whole.known && (!request.stream || !known.firstToken.known);
          const perToken = known.perToken ?? (useWhole ? known.whole.slope : 0);
          const alone = useWhole
            ? known.whole.predict(request.outputTokens)
            : known.firstToken.predict(request.promptTokens) + request.outputTokens * perToken;
          // What is outstanding shares the target with this request; a share of it delays the first token.
          return { id, ms: alone + 0.1 * outstandingTokens * perToken, tie: host.random() };
        });
        predicted.sort((left, right) => left.ms - right.ms || left.tie - right.tie);
        const others = predicted.length - 1;
        const best = predicted[0]?.ms;
        const equals = predicted.filter(({ ms }) => ms === best).length;
        if (others > 0 && host.random() < explore) {
          predicted.unshift(...predicted.splice(1 + Math.floor(host.random() * others), 1));
        }
        return predicted.map(({ id, ms }) => ({
          id,
          score: -ms,
          propensity: others === 0
            ? 1
            : ms === best
            ? (1 - explore) / equals + explore * (1 - 1 / equals) / others
            : explore / others,
        }));
      },
      onOutcome(outcome) {
        learn(knowledge, outcome);
      },
    };
  },
});

/**
 * A failure that took longer than was predicted counts as a first token after that time; what failed fast, or was given
 * less time than it needs, says nothing of speed.
 */
function learn(knowledge: LRUCache<string, Knowledge>, outcome: StrategyOutcome): void {
  let known = knowledge.get(outcome.id);
  if (known === undefined) {
    knowledge.set(outcome.id, known = { firstToken: new Line(), perToken: undefined, whole: new Line() });
  }
  const { firstToken } = known;
  const late = outcome.request.stream && outcome.error === "timeout" && outcome.firstTokenMs === undefined &&
    !(firstToken.known && outcome.totalMs <= firstToken.predict(outcome.promptTokens));
  if (late) firstToken.observe(outcome.promptTokens, outcome.totalMs);
  if (!outcome.ok) return;
  if (outcome.firstTokenMs === undefined) return known.whole.observe(outcome.outputTokens, outcome.totalMs);
  firstToken.observe(outcome.promptTokens, outcome.firstTokenMs);
  const generating = outcome.totalMs - outcome.firstTokenMs;
  if (outcome.outputTokens > 1 && generating > 0) {
    const rate = generating / outcome.outputTokens;
    known.perToken = known.perToken === undefined ? rate : known.perToken * decay + rate * (1 - decay);
  }
}
