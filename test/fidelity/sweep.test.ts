import { describe, expect, test } from "bun:test";
import { variants } from "./sweep/cases.ts";
import { chat } from "./sweep/chat.ts";
import { messages } from "./sweep/messages.ts";
import type { Protocol } from "./sweep/protocol.ts";
import { responses } from "./sweep/responses.ts";
import { allFields, requestShape, sweep } from "./sweep/sweep.ts";
import type { Field, Shape } from "./sweep/type-graph.ts";

for (const protocol of [chat, messages, responses]) {
  const shape = await requestShape(protocol);
  const { cases, fields, problems, silences } = await sweep(protocol, shape);

  describe(`${protocol.ingress}: every field of the client library's ${protocol.request}`, () => {
    test("arrives, or is told to be lost, or is refused, before every backend", () => {
      expect(problems).toEqual([]);
    });

    test("is swept: none of those that the library declares is left out", () => {
      const declared = [...allFields(shape, (key) => !(key in protocol.kept))];
      expect(declared.length).toBeGreaterThan(100);
      expect(declared.map(([key]) => key).filter((key) => !fields.has(key))).toEqual([]);
      const inCases = new Set(cases.flatMap(({ about }) => about));
      const alone = declared.filter(([key, field]) =>
        !inCases.has(key) && !(key in protocol.kept) && !saysWhatItIs(field)
      );
      expect(alone.map(([key]) => key)).toEqual([]);
    });

    test("and what the table says of it is of use", () => {
      expect(strangers(protocol, allFields(shape))).toEqual([]);
      const unused = Object.entries(protocol.silent).filter(([, list]) =>
        list.some((silence) => !silences.has(silence))
      );
      expect(unused.map(([key]) => key)).toEqual([]);
    });
  });
}

test("what Anthropic's stable protocol has is in its beta, too", async () => {
  const stable = await requestShape({
    files: ["@anthropic-ai/sdk/resources/messages/messages.d.ts"],
    request: "MessageCreateParams",
  });
  const beta = new Set(fieldsByKind(await requestShape(messages)));
  expect(fieldsByKind(stable).filter((field) => !beta.has(field))).toEqual([]);
});

/** `text: citations`, whatever the client library calls the object that says `type: "text"`. */
function fieldsByKind(shape: Shape): string[] {
  const fields = [...allFields(shape).values()];
  const kinds = new Map(
    fields.flatMap(({ owner, name, shape }) => {
      const own = shape();
      return name === "type" && own.kind === "literal" ? [[owner, own.value] as const] : [];
    }),
  );
  return fields.flatMap(({ owner, name }) => kinds.has(owner) ? [`${kinds.get(owner)}: ${name}`] : []);
}

/** A field with one value, or with one object in which the fields have cases of their own. */
function saysWhatItIs({ shape, optional }: Field): boolean {
  return !optional && (shape().kind === "literal" || variants(shape()).length > 0);
}

/** Keys of a table that name nothing in the library. */
function strangers(protocol: Protocol, declared: ReadonlyMap<string, unknown>): string[] {
  const known = new Set(
    [...declared.keys()].flatMap((key) => {
      const dot = key.lastIndexOf(".");
      return [key, key.slice(0, dot), key.slice(dot + 1)];
    }),
  );
  const { values, needs, frames, contexts, silent, kept, aliases, headers, native } = protocol;
  return [values, needs, frames, contexts, silent, kept, aliases, headers, native.refused]
    .flatMap((table) => Object.keys(table)).filter((key) => !known.has(key));
}
