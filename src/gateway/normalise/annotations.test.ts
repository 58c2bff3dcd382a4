import { expect, test } from "bun:test";
import { annotationsAreClean, mendAnnotations } from "./annotations.ts";

const citation = { start_index: 0, end_index: 2, title: "T", url: "https://example.com" };

test("whole citations and other annotations are clean", () => {
  const given = [{ type: "url_citation", url_citation: citation }, { type: "file", file: { hash: "h" } }];
  expect([undefined, null, [], given].map(annotationsAreClean)).toEqual([true, true, true, true]);
});

test("a citation gets the fields that it lacks and keeps the others", () => {
  const given = [{ type: "url_citation", url_citation: { url: "https://example.com", rank: 1 } }, {
    type: "file",
  }];
  expect(annotationsAreClean(given)).toBe(false);
  const mended = mendAnnotations(given);
  expect(mended).toEqual([
    {
      type: "url_citation",
      url_citation: {
        url: "https://example.com",
        title: "https://example.com",
        start_index: 0,
        end_index: 0,
        rank: 1,
      },
    },
    { type: "file" },
  ]);
  expect(annotationsAreClean(mended)).toBe(true);
});

test("what is no list is none", () => {
  expect([annotationsAreClean({}), mendAnnotations({})]).toEqual([false, []]);
});
