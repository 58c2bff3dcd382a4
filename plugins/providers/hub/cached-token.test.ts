import { describe, expect, test } from "bun:test";
import { CachedToken } from "./cached-token.ts";

function setUp(expiresIn = 3_600) {
  let now = 1_000_000;
  const asked: { signal: AbortSignal; answer: PromiseWithResolvers<void> }[] = [];
  const tokens = new CachedToken({ now: () => now }, async (signal) => {
    const answer = Promise.withResolvers<void>();
    asked.push({ signal, answer });
    await answer.promise;
    return { token: `token-${asked.length}`, expiresIn };
  });
  return { asked, tokens, advance: (minutes: number) => void (now += minutes * 60_000) };
}

const never = () => new AbortController().signal;

describe("CachedToken", () => {
  test("asks once for many, and again only shortly before the end", async () => {
    const { asked, tokens, advance } = setUp();
    const three = [tokens.get(never()), tokens.get(never()), tokens.get(never())];
    asked[0]!.answer.resolve();
    expect(await Promise.all(three)).toEqual(["token-1", "token-1", "token-1"]);
    advance(54);
    expect(await tokens.get(never())).toBe("token-1");
    advance(2);
    const next = tokens.get(never());
    asked[1]!.answer.resolve();
    expect(await next).toBe("token-2");
    expect(asked).toHaveLength(2);
  });

  test("who leaves gets its own reason, and the others their token", async () => {
    const { asked, tokens } = setUp();
    const leaving = new AbortController();
    const left = tokens.get(leaving.signal).catch((error) => error);
    const stays = tokens.get(never());
    const reason = new Error("gone");
    leaving.abort(reason);
    expect(await left).toBe(reason);
    expect(asked[0]!.signal.aborted).toBe(false);
    asked[0]!.answer.resolve();
    expect(await stays).toBe("token-1");
  });

  test("when all have left, the asking is given up, and the next asks anew", async () => {
    const { asked, tokens } = setUp();
    const leaving = new AbortController();
    const left = tokens.get(leaving.signal).catch((error) => error);
    leaving.abort(new Error("gone"));
    await left;
    expect(asked[0]!.signal.aborted).toBe(true);
    const next = tokens.get(never());
    asked[1]!.answer.resolve();
    expect(await next).toBe("token-2");
  });

  test("a failure is told to all who wait, and is not kept", async () => {
    const { asked, tokens } = setUp();
    const two = [tokens.get(never()), tokens.get(never())].map((each) => each.catch((error) => error));
    const failure = new Error("refused");
    asked[0]!.answer.reject(failure);
    expect(await Promise.all(two)).toEqual([failure, failure]);
    const next = tokens.get(never());
    asked[1]!.answer.resolve();
    expect(await next).toBe("token-2");
  });

  test("does not ask for a request that is already over", async () => {
    const { asked, tokens } = setUp();
    expect(await tokens.get(AbortSignal.abort("over")).catch((error) => error)).toBe("over");
    expect(asked).toHaveLength(0);
  });
});
