import { expect, test } from "bun:test";
import { base64ToText, bytesToBase64, parseDataUrl } from "./data-url.ts";

test("data addresses are read, whatever their form", () => {
  expect(parseDataUrl("data:image/PNG;base64,AA\n AA")).toEqual({ mediaType: "image/png", base64: "AAAA" });
  expect(parseDataUrl("DATA:text/plain;charset=utf-8;base64,w7w=")).toEqual({
    mediaType: "text/plain",
    base64: "w7w=",
  });
  expect(parseDataUrl("data:,h%C3%A4")).toEqual({ mediaType: "text/plain", base64: btoa("h\u00c3\u00a4") });
  for (const other of ["https://example.com/a,b", "data:image/png;base64", ""]) {
    expect(parseDataUrl(other)).toBeUndefined();
  }
});

test("bytes and text survive base64", () => {
  const bytes = Uint8Array.from({ length: 20_000 }, (_, index) => index % 256);
  expect(bytesToBase64(bytes)).toBe(Buffer.from(bytes).toString("base64"));
  expect(base64ToText(Buffer.from("grün ✓").toString("base64"))).toBe("grün ✓");
});
