/** Every field of a Responses request arrives, is reported as lost, or is refused; `sweep.test.ts` has the other protocols. */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { backends } from "./backends.ts";
import { features } from "./features.ts";
import { send } from "./matrix.ts";
import { requestTypes } from "./response-fields.ts";

const modules = resolve(import.meta.dir, "../../node_modules");

/** The members of an interface in a type declaration that a generator has written: one to a line, indented by four. */
function membersOf(declaration: string, name: string): string[] {
  const lines = readFileSync(resolve(modules, declaration), "utf8").split("\n");
  const start = lines.findIndex((line) => new RegExp(`^export interface ${name}\\b`).test(line));
  if (start < 0) throw new Error(`${declaration} has no ${name}`);
  const end = lines.indexOf("}", start);
  return lines.slice(start + 1, end).flatMap((line) => /^ {4}(\w+)\??:/.exec(line)?.[1] ?? []);
}

describe("the list has every field that the clients know of", () => {
  for (const { declaration, name, fields } of requestTypes) {
    test(`${name} of ${declaration.split("/")[0]}`, () => {
      expect(Object.keys(fields).toSorted()).toEqual(membersOf(declaration, name).toSorted());
    });
  }
});

for (const { ingress, name, place, fields } of requestTypes) {
  describe(`${ingress}: ${name}`, () => {
    for (const [field, entry] of Object.entries(fields)) {
      if ("structure" in entry) continue;
      if ("feature" in entry) {
        test(`${field} is a feature of the matrix`, () =>
          expect(features.map(({ feature }) => feature)).toContain(entry.feature));
        continue;
      }
      const { value, find = /sentinel-/ } = entry;
      // Hints go where there is something like them; no client is told of every cache that a backend does not have.
      const asked = entry.hint ? backends.slice(0, 1) : backends;
      test.each(asked.map((backend) => [backend.name, backend] as const))(
        `${field} → %s`,
        async (_name, backend) => {
          const request = { ...place({ [field]: value }), ...entry.with };
          const { sent, losses, refusal } = await send(backend, ingress, request);
          const arrived = find.test(sent.join("\n"));
          expect({ arrived, losses, refusal }).not.toEqual({
            arrived: false,
            losses: [],
            refusal: undefined,
          });
        },
      );
    }
  });
}
