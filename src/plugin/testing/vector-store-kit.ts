import type { VectorRecord, VectorStore } from "../api/vector-store.ts";
import { type Skips, type TestFunctions, withSkips } from "./test-functions.ts";

export interface VectorStoreKitOptions {
  /** Makes an empty store. */
  make(): VectorStore | Promise<VectorStore>;
  readonly skip?: Skips;
}

/** The contract of `VectorStore`: every implementation must pass it. */
export function testVectorStore(functions: TestFunctions, options: VectorStoreKitOptions): void {
  const { expect } = functions;
  const { test, checkSkips } = withSkips(functions, options.skip);
  const withStore = (body: (store: VectorStore) => Promise<void>) => async () => {
    const store = await options.make();
    try {
      await body(store);
    } finally {
      await store.close?.();
    }
  };
  const record = (id: string, values: number[], attributes = {}, space = "small"): VectorRecord => ({
    id,
    text: `text of ${id}`,
    vector: { space, values: Float32Array.from(values) },
    attributes: { user: "ann", ...attributes },
  });
  const near = (values: number[], more = {}) => ({
    vector: { space: "small", values: Float32Array.from(values) },
    limit: 10,
    ...more,
  });
  const ids = (records: readonly { readonly id: string }[]) => records.map(({ id }) => id);

  functions.describe("vector store contract", () => {
    test(
      "an unknown partition is empty",
      withStore(async (store) => {
        expect(await store.query("nobody", near([1, 0]))).toEqual([]);
        expect((await store.list("nobody")).records).toEqual([]);
        expect(await store.delete("nobody")).toBe(0);
        expect(await store.partitions()).toEqual([]);
      }),
    );

    test(
      "the nearest come first, with the cosine as their similarity",
      withStore(async (store) => {
        await store.upsert("a", [record("far", [0, 1]), record("near", [1, 0.1]), record("mid", [1, 1])]);
        const found = await store.query("a", near([1, 0]));
        expect(ids(found)).toEqual(["near", "mid", "far"]);
        expect(found[1]!.similarity).toBeCloseTo(Math.SQRT1_2, 3);
        expect(found[0]!.text).toBe("text of near");
        expect(ids(await store.query("a", near([1, 0], { limit: 1 })))).toEqual(["near"]);
      }),
    );

    test(
      "a partition sees nothing of another, whatever its name",
      withStore(async (store) => {
        for (const name of ["a", "b", "a b", "A", "ü/…", `"; DROP TABLE records; --`]) {
          await store.upsert(name, [record("same", [1, 0], { owner: name })]);
        }
        for (const name of ["a", "b", "a b", "A", "ü/…"]) {
          const found = await store.query(name, near([1, 0]));
          expect(found.map(({ attributes }) => attributes.owner)).toEqual([name]);
        }
        expect(await store.delete("a")).toBe(1);
        expect(await store.query("a", near([1, 0]))).toEqual([]);
        expect(ids(await store.query("b", near([1, 0])))).toEqual(["same"]);
        expect(await store.partitions()).not.toContain("a");
      }),
    );

    test(
      "a filter is applied before the nearest are chosen",
      withStore(async (store) => {
        const others = Array.from(
          { length: 20 },
          (_, index) => record(`bob-${index}`, [1, 0], { user: "bob" }),
        );
        await store.upsert("a", [...others, record("anns", [0.2, 1])]);
        expect(ids(await store.query("a", near([1, 0], { where: { user: "ann" }, limit: 1 })))).toEqual([
          "anns",
        ]);
        expect(await store.query("a", near([1, 0], { where: { user: "ann", kind: "none" } }))).toEqual([]);
      }),
    );

    test(
      "a filter may name several values; none of them admits nothing",
      withStore(async (store) => {
        await store.upsert("a", [
          record("anns", [1, 0]),
          record("bobs", [1, 0.1], { user: "bob" }),
          record("eves", [1, 0.2], { user: "eve" }),
        ]);
        const asked = (users: string[]) => store.query("a", near([1, 0], { where: { user: users } }));
        expect(ids(await asked(["ann", "eve", "nobody"]))).toEqual(["anns", "eves"]);
        expect(await asked([])).toEqual([]);
        expect(await store.delete("a", { where: { user: [] } })).toBe(0);
        expect(await store.delete("a", { where: { user: ["bob", "eve"] } })).toBe(2);
        expect(ids((await store.list("a")).records)).toEqual(["anns"]);
      }),
    );

    test(
      "what was written, replaced or deleted since the last query is in the next",
      withStore(async (store) => {
        const asked = async () => ids(await store.query("a", near([1, 0])));
        expect(await asked()).toEqual([]);
        await store.upsert("a", [record("one", [1, 0]), record("two", [1, 1]), record("three", [1, 2])]);
        expect(await asked()).toEqual(["one", "two", "three"]);
        await store.upsert("a", [record("one", [0, 1])]);
        expect(await asked()).toEqual(["two", "three", "one"]);
        await store.delete("a", { ids: ["two"] });
        expect(await asked()).toEqual(["three", "one"]);
        await store.upsert("a", [record("one", [1, 0], { user: "bob" })]);
        expect(ids(await store.query("a", near([1, 0], { where: { user: "ann" } })))).toEqual(["three"]);
        await store.delete("a");
        expect(await asked()).toEqual([]);
        await store.upsert("a", [record("four", [1, 0])]);
        expect(await asked()).toEqual(["four"]);
      }),
    );

    test(
      "the nearest of many are found, whatever their length and place",
      withStore(async (store) => {
        let seed = 7;
        const random = () => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647 - 0.5;
        const vectors = Array.from({ length: 400 }, () => {
          const size = 0.001 + Math.abs(random()) * 1000;
          return Array.from({ length: 24 }, () => random() * size);
        });
        await store.upsert("a", vectors.map((values, index) => record(`id-${index}`, values)));
        const asked = Array.from({ length: 24 }, random);
        const length = (values: number[]) => Math.hypot(...values);
        const expected = vectors.map((values, index) => ({
          id: `id-${index}`,
          cosine: values.reduce((sum, value, at) => sum + value * asked[at]!, 0) / length(values) /
            length(asked),
        })).sort((one, other) => other.cosine - one.cosine).slice(0, 10);
        const found = await store.query("a", near(asked, { limit: 10 }));
        expect(ids(found)).toEqual(expected.map(({ id }) => id));
        found.forEach(({ similarity }, at) =>
          expect(similarity).toBeCloseTo(Math.max(0, expected[at]!.cosine), 3)
        );
      }),
    );

    test(
      "a filter's value is a text and never an operator",
      withStore(async (store) => {
        await store.upsert("a", [record("one", [1, 0])]);
        for (const user of [`{"$ne": ""}`, "%", "' OR 1=1 --", "$or"]) {
          expect(await store.query("a", near([1, 0], { where: { user } }))).toEqual([]);
          expect(await store.delete("a", { where: { user } })).toBe(0);
        }
        expect(ids((await store.list("a")).records)).toEqual(["one"]);
      }),
    );

    test(
      "a record is replaced by a later one of its id, also by one of another model",
      withStore(async (store) => {
        await store.upsert("a", [record("one", [1, 0], { mark: 1 })]);
        await store.upsert("a", [record("one", [1, 0], { mark: 2 })]);
        expect((await store.list("a")).records.map(({ attributes }) => attributes.mark)).toEqual([2]);
        await store.upsert("a", [record("one", [1, 0, 0], { mark: 3 }, "large")]);
        expect((await store.list("a")).records.map(({ attributes }) => attributes.mark)).toEqual([3]);
      }),
    );

    test(
      "vectors of other models and of other lengths are not near, and no error",
      withStore(async (store) => {
        await store.upsert("a", [record("short", [1, 0]), record("long", [1, 0, 0])]);
        await store.upsert("a", [record("other", [1, 0], {}, "large")]);
        expect(ids(await store.query("a", near([1, 0])))).toEqual(["short"]);
        expect(ids(await store.query("a", near([1, 0, 0])))).toEqual(["long"]);
        expect(ids((await store.list("a")).records)).toEqual(["long", "other", "short"]);
      }),
    );

    test(
      "records are deleted by id and by filter",
      withStore(async (store) => {
        await store.upsert("a", [
          record("one", [1, 0]),
          record("two", [1, 0], { user: "bob" }),
          record("three", [1, 0]),
        ]);
        expect(await store.delete("a", { ids: ["two"], where: { user: "ann" } })).toBe(0);
        expect(await store.delete("a", { ids: ["one", "absent"] })).toBe(1);
        expect(await store.delete("a", { ids: [] })).toBe(0);
        expect(await store.delete("a", { where: { user: "ann" } })).toBe(1);
        expect(ids((await store.list("a")).records)).toEqual(["two"]);
      }),
    );

    test(
      "pages of a listing join without gap or repeat",
      withStore(async (store) => {
        const names = Array.from({ length: 23 }, (_, index) => `id-${String(index).padStart(2, "0")}`);
        await store.upsert("a", names.toReversed().map((name) => record(name, [1, 0])));
        const seen: string[] = [];
        for (let cursor: string | undefined, first = true; first || cursor !== undefined; first = false) {
          const page = await store.list("a", { limit: 5, ...(cursor === undefined ? {} : { cursor }) });
          seen.push(...ids(page.records));
          cursor = page.cursor;
        }
        expect(seen).toEqual(names);
      }),
    );

    test(
      "texts come back as they were written",
      withStore(async (store) => {
        const text = 'ünïcödé 🦙 "quoted" <b>\nline';
        await store.upsert("a", [{ ...record("one", [1, 0]), text }]);
        expect((await store.query("a", near([1, 0])))[0]!.text).toBe(text);
      }),
    );

    test(
      "texts are found by their words",
      withStore(async (store) => {
        const plain = (id: string, text: string, user = "ann") => ({ id, text, attributes: { user } });
        await store.upsert("a", [plain("dog", "The dogs are called Rex"), plain("cat", "A cat sleeps")]);
        await store.upsert("a", [plain("bobs", "A dog of somebody else", "bob")]);
        await store.upsert("b", [plain("foreign", "A dog of another tenant")]);
        const ask = (text: string) => store.query("a", { text, where: { user: "ann" }, limit: 5 });
        expect(ids(await ask("What is my dog's name?"))).toEqual(["dog"]);
        expect((await ask("dog"))[0]!.similarity).toBe(1);
        for (const text of ["", "?!", '" OR partition:* NEAR(', "zebra"]) expect(await ask(text)).toEqual([]);
      }),
    );

    checkSkips();
  });
}
