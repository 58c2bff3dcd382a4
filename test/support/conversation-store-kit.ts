import { describe, expect, test } from "bun:test";
import type { ConversationStore } from "../../src/memory/contracts.ts";
import type { ResponseItem } from "../../src/schema/response.ts";

export const bounds = { items: 1000, bytes: 1_000_000, retentionMs: 0 };

export function message(
  id: string,
  text = `text of ${id}`,
  role: "user" | "assistant" = "user",
): ResponseItem {
  const type = role === "user" ? "input_text" : "output_text";
  return { id, type: "message", role, content: [{ type, text }] };
}

/** The contract of `ConversationStore`: what keeps conversations in SQLite must do what Redis does. */
export function testConversationStore(
  make: (now: () => number) => ConversationStore | Promise<ConversationStore>,
): void {
  const withStore =
    (body: (store: ConversationStore, clock: { now: number }) => Promise<void>) => async () => {
      const clock = { now: 1_700_000_000_000 };
      const store = await make(() => clock.now);
      try {
        await body(store, clock);
      } finally {
        store.close();
      }
    };
  const create = (store: ConversationStore, tenant: string, id: string, user?: string) =>
    store.create({ tenant, id, user, metadata: {} });
  const idsOf = async (store: ConversationStore, tenant: string, id: string) =>
    (await store.since(tenant, id, 0, 1000)).map(({ item }) => item.id);

  describe("conversation store contract", () => {
    test(
      "what was never made is not there",
      withStore(async (store) => {
        expect(await store.find("a", "c")).toBeUndefined();
        expect(await store.append("a", "c", [message("m")], bounds)).toBeUndefined();
        expect(await store.find("a", "c")).toBeUndefined();
        expect(await store.setMetadata("a", "c", {})).toBeUndefined();
        expect(await store.since("a", "c", 0, 10)).toEqual([]);
        expect(await store.item("a", "c", "m")).toBeUndefined();
        expect(await store.removeItem("a", "c", "m")).toBe(false);
        expect(await store.remove("a", "c")).toBe(false);
        expect([await store.tenants(), await store.list("a", { limit: 10 })]).toEqual([[], []]);
      }),
    );

    test(
      "a conversation is made once, with what is known of it",
      withStore(async (store, clock) => {
        const made = await store.create({ tenant: "a", id: "c", user: "ann", metadata: { topic: "ü" } });
        expect(made).toEqual({
          tenant: "a",
          id: "c",
          user: "ann",
          metadata: { topic: "ü" },
          createdAt: clock.now,
          updatedAt: clock.now,
          summary: "",
          condensed: 0,
          learnt: 0,
          last: 0,
        });
        expect(await create(store, "a", "c")).toBeUndefined();
        expect(await store.setMetadata("a", "c", { other: "1" })).toMatchObject({ metadata: { other: "1" } });
        expect(await store.find("a", "c")).toMatchObject({ user: "ann", metadata: { other: "1" } });
      }),
    );

    test(
      "items are numbered in their order and come back as they were",
      withStore(async (store, clock) => {
        clock.now += 5;
        const made = await store.append("a", "c", [message("m1", "🦙\n\u0001")], bounds, { user: "ann" });
        expect(made).toMatchObject({ user: "ann", last: 1, updatedAt: clock.now });
        await store.append("a", "c", [message("m2"), message("m3")], bounds, { user: "bob" });
        const items = await store.since("a", "c", 0, 10);
        expect(items.map(({ number }) => number)).toEqual([1, 2, 3]);
        expect(items[0]!.item).toEqual(message("m1", "🦙\n\u0001"));
        expect(await store.find("a", "c")).toMatchObject({ user: "ann", last: 3 });
        expect((await store.since("a", "c", 1, 1)).map(({ item }) => item.id)).toEqual(["m3"]);
        expect(await store.item("a", "c", "m2")).toEqual(message("m2"));
      }),
    );

    test(
      "the same words said twice are two items",
      withStore(async (store) => {
        await store.append("a", "c", [message("m1", "yes"), message("m2", "yes")], bounds, {
          user: undefined,
        });
        await store.append("a", "c", [message("m3", "yes")], bounds);
        expect(await idsOf(store, "a", "c")).toEqual(["m1", "m2", "m3"]);
      }),
    );

    test(
      "an item that is there already is not added again",
      withStore(async (store) => {
        await store.append("a", "c", [message("m1"), message("m2")], bounds, { user: undefined });
        const again = await store.append("a", "c", [message("m1"), message("m3"), message("m3")], bounds);
        expect(again).toMatchObject({ last: 3 });
        expect(await idsOf(store, "a", "c")).toEqual(["m1", "m2", "m3"]);
      }),
    );

    test(
      "another tenant's conversation of the same id is another one",
      withStore(async (store) => {
        for (const tenant of ["a", "b", "a/c", "{a}"]) {
          await store.append(tenant, "c", [message(`of ${tenant}`)], bounds, { user: undefined });
        }
        for (const tenant of ["a", "b", "a/c", "{a}"]) {
          expect(await idsOf(store, tenant, "c")).toEqual([`of ${tenant}`]);
        }
        expect(await store.item("a", "c", "of b")).toBeUndefined();
        expect(await store.removeItem("a", "c", "of b")).toBe(false);
        expect(await store.tenants()).toEqual(["a", "a/c", "b", "{a}"]);
        await store.remove("a", "c");
        expect(await idsOf(store, "b", "c")).toEqual(["of b"]);
        expect(await store.tenants()).not.toContain("a");
      }),
    );

    test(
      "turns that end at once stand one after the other, whole",
      withStore(async (store) => {
        await create(store, "a", "c");
        await Promise.all(
          Array.from(
            { length: 20 },
            (_, turn) =>
              store.append("a", "c", [message(`u${turn}`), message(`a${turn}`, "", "assistant")], bounds),
          ),
        );
        const ids = await idsOf(store, "a", "c");
        expect(ids).toHaveLength(40);
        for (let index = 0; index < 40; index += 2) {
          expect(ids[index + 1]).toBe(ids[index]!.replace("u", "a"));
        }
      }),
    );

    test(
      "pages go on from an item, in both orders",
      withStore(async (store) => {
        const names = ["m1", "m2", "m3", "m4", "m5"];
        await store.append("a", "c", names.map((name) => message(name)), bounds, { user: undefined });
        const page = async (order: "asc" | "desc", after?: string) =>
          (await store.page("a", "c", { order, after, limit: 2 }))?.map(({ item }) => item.id);
        expect([await page("asc"), await page("asc", "m2"), await page("asc", "m4")]).toEqual([
          ["m1", "m2"],
          ["m3", "m4"],
          ["m5"],
        ]);
        expect([await page("desc"), await page("desc", "m4"), await page("desc", "m1")]).toEqual([
          ["m5", "m4"],
          ["m3", "m2"],
          [],
        ]);
        expect(await page("asc", "nobody")).toBeUndefined();
      }),
    );

    test(
      "an item that is removed is gone, and its number with it",
      withStore(async (store) => {
        await store.append("a", "c", [message("m1"), message("m2")], bounds, { user: undefined });
        expect(await store.removeItem("a", "c", "m2")).toBe(true);
        expect(await store.removeItem("a", "c", "m2")).toBe(false);
        await store.append("a", "c", [message("m3")], bounds);
        expect((await store.since("a", "c", 0, 9)).map(({ number }) => number)).toEqual([1, 3]);
      }),
    );

    test(
      "beyond its bounds a conversation loses its oldest items",
      withStore(async (store) => {
        const few = { ...bounds, items: 3 };
        for (const id of ["m1", "m2", "m3", "m4"]) {
          await store.append("a", "c", [message(id)], few, { user: undefined });
        }
        expect(await idsOf(store, "a", "c")).toEqual(["m2", "m3", "m4"]);
        expect(await store.item("a", "c", "m1")).toBeUndefined();
        const size = JSON.stringify(message("m5")).length;
        await store.append("a", "c", [message("m5")], { ...bounds, bytes: 2 * size });
        expect(await idsOf(store, "a", "c")).toEqual(["m4", "m5"]);
        await store.removeItem("a", "c", "m5");
        await store.append("a", "c", [message("m6")], { ...bounds, bytes: 2 * size });
        expect(await idsOf(store, "a", "c")).toEqual(["m4", "m6"]);
        await store.append("a", "c", [message("m7", "x".repeat(1000))], { ...bounds, bytes: 100 });
        expect(await idsOf(store, "a", "c")).toEqual([]);
      }),
    );

    test(
      "of two that condense at once one is told that it was too late",
      withStore(async (store) => {
        await store.append("a", "c", [message("m1"), message("m2")], bounds, { user: undefined });
        const expected = { condensed: 0, learnt: 0 };
        const tries = ["one", "two"].map((summary) =>
          store.progress("a", "c", expected, { condensed: 1, summary })
        );
        expect((await Promise.all(tries)).filter(Boolean)).toHaveLength(1);
        expect(await store.find("a", "c")).toMatchObject({ condensed: 1, learnt: 0 });
        expect(await store.progress("a", "c", { condensed: 1, learnt: 0 }, { learnt: 2 })).toBe(true);
        expect(await store.find("a", "c")).toMatchObject({ condensed: 1, learnt: 2 });
        expect(await store.progress("a", "absent", expected, { learnt: 2 })).toBe(false);
      }),
    );

    test(
      "lists are in the order of ids, of all or of one user",
      withStore(async (store) => {
        for (const [id, user] of [["c3", "ann"], ["c1", "bob"], ["c2", "ann"], ["c4", undefined]] as const) {
          await create(store, "a", id, user);
        }
        const list = async (options: { user?: string; after?: string; limit: number }) =>
          (await store.list("a", options)).map(({ id }) => id);
        expect(await list({ limit: 3 })).toEqual(["c1", "c2", "c3"]);
        expect(await list({ limit: 3, after: "c3" })).toEqual(["c4"]);
        expect(await list({ limit: 3, user: "ann" })).toEqual(["c2", "c3"]);
        expect(await list({ limit: 1, user: "ann", after: "c2" })).toEqual(["c3"]);
      }),
    );

    test(
      "what nobody adds to expires, and what somebody adds to stays",
      withStore(async (store, clock) => {
        await create(store, "a", "old");
        await store.append("a", "kept", [message("m1")], bounds, { user: undefined });
        clock.now += 1_000;
        await store.append("a", "kept", [message("m2")], bounds);
        expect(await store.expire(clock.now)).toBe(1);
        expect(await store.find("a", "old")).toBeUndefined();
        expect(await idsOf(store, "a", "kept")).toEqual(["m1", "m2"]);
      }),
    );
  });
}
