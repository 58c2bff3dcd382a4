import { expect, test } from "bun:test";
import { losses } from "../../../test/support/response-fixtures.ts";
import { isUpstreamError } from "../../plugin/api/upstream-error.ts";
import type { ContentBlock } from "../../schema/message.ts";
import { toChatMessages } from "./messages-to-chat.ts";

function translate(block: ContentBlock, fileAddresses = false) {
  const { list, reportLoss } = losses();
  const options = { reasoningReplay: undefined, cacheMarks: true, fileAddresses, reportLoss };
  const [message] = toChatMessages([{ role: "user", content: [block] }], options);
  return { content: message?.content, lost: list.map(({ field, effect }) => `${effect} ${field}`) };
}

const document = (source: object, more: object = {}) => ({ type: "document", source, ...more });
const url = "https://files.example/report.pdf";

test("a document at an address goes where addresses are taken, and is missed elsewhere", () => {
  expect(translate(document({ type: "url", url }, { title: "Report" }), true)).toEqual({
    content: [{ type: "file", file: { filename: "Report.pdf", file_data: url } }],
    lost: [],
  });
  expect(translate(document({ type: "url", url })).lost).toEqual(["dropped messages[0].content[0]"]);
});

test("a file that was uploaded to Anthropic is refused, any other goes by its id", () => {
  expect(translate(document({ type: "file", file_id: "file-1" })).content).toEqual([
    { type: "file", file: { file_id: "file-1" } },
  ]);
  let refusal: unknown;
  try {
    translate(document({ type: "file", file_id: "file_011" }));
  } catch (error) {
    refusal = error;
  }
  expect(isUpstreamError(refusal) && [refusal.kind, refusal.param]).toEqual([
    "unsupported",
    "messages[0].content[0].source.file_id",
  ]);
});

test("a document of blocks is its heading and its blocks, the mark on the last of them", () => {
  const cache_control = { type: "ephemeral" };
  const content = [{ type: "text", text: "One." }, { type: "text", text: "Two.", citations: [{}] }];
  expect(translate(document({ type: "content", content }, { title: "T", context: "C", cache_control })))
    .toEqual({
      content: [
        { type: "text", text: "T" },
        { type: "text", text: "C" },
        { type: "text", text: "One." },
        { type: "text", text: "Two.", cache_control },
      ],
      lost: ["dropped messages[0].content[0].source.content[1].citations"],
    });
  expect(translate(document({ type: "content", content: "Plain." })).content).toBe("Plain.");
});
