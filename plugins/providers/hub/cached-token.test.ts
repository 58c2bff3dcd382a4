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
/** Lets everything go on that waits for nothing. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

describe("CachedToken", () => {
  test("asks once for many, and again only when it is over", async () => {
    const { asked, tokens, advance } = setUp();
    const three = [tokens.get(never()), tokens.get(never()), tokens.get(never())];
    asked[0]!.answer.resolve();
    expect(await Promise.all(three)).toEqual(["token-1", "token-1", "token-1"]);
    advance(54);
    expect(await tokens.get(never())).toBe("token-1");
    expect(asked).toHaveLength(1);
    advance(7);
    const next = tokens.get(never());
    asked[1]!.answer.resolve();
    expect(await next).toBe("token-2");
    expect(asked).toHaveLength(2);
  });

  test("shortly before the end a new one is asked for once, while the old one serves", async () => {
    const { asked, tokens, advance } = setUp();
    const first = tokens.get(never());
    asked[0]!.answer.resolve();
    await first;
    advance(56);
    expect(await Promise.all([tokens.get(never()), tokens.get(never())])).toEqual(["token-1", "token-1"]);
    expect(asked).toHaveLength(2);
    asked[1]!.answer.resolve();
    await settled();
    expect(await tokens.get(never())).toBe("token-2");
    expect(asked).toHaveLength(2);
  });

  test("a failure before the end is not noticed, and is tried again after a pause", async () => {
    const { asked, tokens, advance } = setUp();
    const first = tokens.get(never());
    asked[0]!.answer.resolve();
    await first;
    advance(56);
    await tokens.get(never());
    asked[1]!.answer.reject(new Error("away"));
    await settled();
    expect(await tokens.get(never())).toBe("token-1");
    expect(asked).toHaveLength(2);
    advance(1);
    expect(await tokens.get(never())).toBe("token-1");
    expect(asked).toHaveLength(3);
    // Nobody waits for the one that is under way; when the old one has ended, somebody does.
    advance(4);
    const next = tokens.get(never());
    asked[2]!.answer.resolve();
    expect(await next).toBe("token-3");
  });

  test("a token that lasts shorter than that is used until its end", async () => {
    const { asked, tokens, advance } = setUp(120);
    const first = tokens.get(never());
    asked[0]!.answer.resolve();
    await first;
    expect(await tokens.get(never())).toBe("token-1");
    expect(asked).toHaveLength(1);
    advance(1);
    expect(await tokens.get(never())).toBe("token-1");
    expect(asked).toHaveLength(2);
  });

  test("a token that was dropped is asked for anew", async () => {
    const { asked, tokens } = setUp();
    const first = tokens.get(never());
    asked[0]!.answer.resolve();
    await first;
    tokens.drop();
    const next = tokens.get(never());
    asked[1]!.answer.resolve();
    expect(await next).toBe("token-2");
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
