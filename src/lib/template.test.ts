import { expect, test } from "bun:test";
import { compileTemplate, lookUp } from "./template.ts";

const values = { name: "Ada", list: [1, { a: 2 }], deep: { text: "x {{name}}" }, none: null };
const render = (source: string) => compileTemplate(source).render((path) => lookUp(values, path));

test("places are filled, and what is filled in is not read again", () => {
  expect(render("Hi {{name}}, {{ deep.text }}!")).toBe("Hi Ada, x {{name}}!");
  expect(render("{{list}} {{list.0}} {{list.1.a}}")).toBe('[1,{"a":2}] 1 2');
  expect(render("[{{none}}{{missing}}{{name.length}}{{deep.constructor}}]")).toBe("[]");
  expect(render("\\{{name}} { } }}")).toBe("{{name}} { } }}");
  expect(compileTemplate("{{a}} {{b.c}} {{a}}").paths).toEqual(["a", "b.c"]);
});

test("what is no template is refused", () => {
  for (const source of ["{{}}", "{{ a b }}", "{{a()}}", "{{../etc}}", "{{#if x}}", "{{ open", "x {{ {"]) {
    expect(() => compileTemplate(source)).toThrow();
  }
});
