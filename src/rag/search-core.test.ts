/** What searches are made of: filters, words, the index of chunks, and the joining of rankings. */
import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { testHost } from "../../test/support/test-host.ts";
import type { AttributeFilter } from "../schema/retrieval.ts";
import { passes } from "./attribute-filter.ts";
import { type Chunk, ChunkIndex } from "./chunk-index.ts";
import { fuseRankings } from "./fuse.ts";
import { wordTerms } from "./search-words.ts";

describe("filters on attributes", () => {
  const attributes = { year: 2026, kind: "news", draft: false };
  const cases: [AttributeFilter, boolean][] = [
    [{ type: "eq", key: "year", value: 2026 }, true],
    [{ type: "eq", key: "year", value: "2026" }, false],
    [{ type: "ne", key: "year", value: "2026" }, true],
    [{ type: "ne", key: "absent", value: 1 }, true],
    [{ type: "eq", key: "absent", value: 1 }, false],
    [{ type: "gte", key: "year", value: 2026 }, true],
    [{ type: "gt", key: "year", value: 2026 }, false],
    [{ type: "lt", key: "kind", value: "newt" }, true],
    [{ type: "lt", key: "draft", value: true }, false],
    [{ type: "in", key: "kind", value: ["news", "old"] }, true],
    [{ type: "nin", key: "kind", value: ["news"] }, false],
    [{ type: "nin", key: "absent", value: ["news"] }, true],
    [{ type: "eq", key: "constructor", value: "x" }, false],
    [{
      type: "or",
      filters: [{ type: "eq", key: "year", value: 1 }, {
        type: "and",
        filters: [{ type: "eq", key: "draft", value: false }, { type: "eq", key: "kind", value: "news" }],
      }],
    }, true],
  ];
  for (const [filter, expected] of cases) {
    test(`${JSON.stringify(filter)} is ${expected}`, () => expect(passes(filter, attributes)).toBe(expected));
  }
});

describe("the words of a question", () => {
  test("are quoted, each once, whatever stands between them", () => {
    expect(wordTerms('Dogs "AND" dogs OR (cats*) NEAR/2 ^a:b -x')).toEqual(
      ["dogs", "and", "or", "cats", "near", "2", "a", "b", "x"].map((word) => `"${word}"`),
    );
    expect(wordTerms("?!  \u0000")).toEqual([]);
  });

  test("of scripts without spaces are pairs of neighbours", () => {
    expect(wordTerms("東京都")).toEqual(['"東 京"', '"京 都"']);
  });
});

const chunk = (position: number, text: string, headings: string[] = []): Chunk => ({
  position,
  text,
  tokens: 1,
  headings,
});

function openIndex(): ChunkIndex {
  return new ChunkIndex(testHost().sqlite("chunks"));
}

async function put(index: ChunkIndex, id: string, ...chunks: Chunk[]): Promise<void> {
  (await index.stage({ id, filename: `${id}.md`, attributes: {} }, chunks))();
}

function found(index: ChunkIndex, text: string, within?: readonly string[]): string[] {
  return index.byWords(text, 10, within).map(({ number }) => index.chunk(number)!.text);
}

describe("the index of chunks", () => {
  test("finds any of the words, in any of their forms, and headings before texts", async () => {
    const index = openIndex();
    await put(
      index,
      "a",
      chunk(0, "Goods were returned."),
      chunk(1, "About cafés."),
      chunk(2, "More.", ["Returns"]),
    );
    await put(
      index,
      "b",
      ...Array.from({ length: 8 }, (_, position) => chunk(position, "Nothing of the kind.")),
    );
    expect(found(index, "returning things")).toEqual(["More.", "Goods were returned."]);
    expect(found(index, "CAFE")).toEqual(["About cafés."]);
    expect(found(index, "absent")).toEqual([]);
  });

  test("finds parts of sentences in scripts without spaces", async () => {
    const index = openIndex();
    await put(index, "a", chunk(0, "私は東京都に住んでいます。"), chunk(1, "京都はきれいです。"));
    expect(found(index, "東京")).toEqual(["私は東京都に住んでいます。"]);
  });

  test("finds no chunk of a file that is not all there, and replaces files whole", async () => {
    const index = openIndex();
    await put(index, "a", chunk(0, "old text one"), chunk(1, "old text two"));
    const finish = await index.stage({ id: "a", filename: "a.md", attributes: {} }, [chunk(0, "new text")]);
    expect(found(index, "text").sort()).toEqual(["old text one", "old text two"]);
    expect(index.chunksOf("a", 0, 9)).toHaveLength(2);
    finish();
    expect(found(index, "text")).toEqual(["new text"]);
    await index.stage({ id: "b", filename: "b.md", attributes: {} }, [chunk(0, "left half done, text")]);
    expect(index.files().map(({ id }) => id)).toEqual(["a"]);
    await put(index, "b", chunk(0, "text of the second try"));
    expect(found(index, "text").sort()).toEqual(["new text", "text of the second try"]);
    index.remove("a");
    index.remove("b");
    expect([found(index, "text"), index.isEmpty()]).toEqual([[], true]);
  });

  test("looks only where it may", async () => {
    const index = openIndex();
    for (const id of ["a", "b", "c"]) await put(index, id, chunk(0, `text of ${id}`));
    expect(found(index, "text", ["b"])).toEqual(["text of b"]);
    expect(found(index, "text", [])).toEqual([]);
  });

  test("answers every question, whatever stands in it", async () => {
    const index = openIndex();
    await put(index, "a", chunk(0, 'A "quoted" text: OR NOT near(it)'));
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 60 }), (text) => {
        expect(index.byWords(text, 5).length).toBeLessThanOrEqual(1);
      }),
      { numRuns: 300 },
    );
  });

  test("leaves the commonest words of a question out where there are very many chunks", async () => {
    const index = openIndex();
    const chunks = Array.from(
      { length: 12_000 },
      (_, position) => chunk(position, position === 7_000 ? "common rare" : "common"),
    );
    await put(index, "a", ...chunks);
    expect(found(index, "common rare")).toEqual(["common rare"]);
    expect(found(index, "common absent")).toHaveLength(10);
  });
});

describe("rankings are joined", () => {
  test("so that what several put high comes first, and 1 is the first of all", () => {
    const fused = fuseRankings([{ keys: [1, 2, 3], weight: 1 }, { keys: [1, 3, 4], weight: 1 }]);
    expect(fused.map(({ key }) => key)).toEqual([1, 3, 2, 4]);
    expect(fused[0]!.score).toBe(1);
    expect(fused.every(({ score }) => score > 0 && score <= 1)).toBe(true);
  });

  test("by their weights, and without those that have none", () => {
    const rankings = (first: number, second: number) => [
      { keys: [1, 2], weight: first },
      { keys: [2, 1], weight: second },
    ];
    expect(fuseRankings(rankings(2, 1))[0]!.key).toBe(1);
    expect(fuseRankings(rankings(1, 2))[0]!.key).toBe(2);
    expect(fuseRankings([{ keys: [9], weight: 0 }])).toEqual([]);
  });
});
