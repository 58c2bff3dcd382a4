import { describe, expect, test } from "bun:test";
import { parseTraceParent, parseTraceState } from "./trace-parent.ts";
import { Tracer, type TracingOptions } from "./tracer.ts";

const trace = "0af7651916cd43dd8448eb211c80319c";
const span = "b7ad6b7169203331";
const parent = `00-${trace}-${span}-01`;

const options: TracingOptions = { on: true, sampleRatio: 1, trustParent: true, propagate: true };

function begin(change: Partial<TracingOptions>, headers: Record<string, string> = {}) {
  return new Tracer({ ...options, ...change }).begin(new Headers(headers));
}

describe("traceparent", () => {
  test("is read as the standard says", () => {
    expect(parseTraceParent(parent)).toEqual({ traceId: trace, spanId: span, sampled: true });
    expect(parseTraceParent(`00-${trace}-${span}-00`)?.sampled).toBe(false);
    expect(parseTraceParent(`00-${trace}-${span}-03`)?.sampled).toBe(true);
    expect(parseTraceParent(`cc-${trace}-${span}-01`)?.traceId).toBe(trace);
    expect(parseTraceParent(`cc-${trace}-${span}-01-what-will-be`)?.traceId).toBe(trace);
  });

  for (
    const wrong of [
      "",
      "00",
      `ff-${trace}-${span}-01`,
      `00-${trace}-${span}-01-more`,
      `00-${trace}-${span}`,
      `00-${trace.toUpperCase()}-${span}-01`,
      `00-${"0".repeat(32)}-${span}-01`,
      `00-${trace}-${"0".repeat(16)}-01`,
      `00-${trace.slice(1)}-${span}-01`,
      `00-${trace}-${span}-1`,
      `00-${trace}-${span}-0x`,
      ` ${parent}x`,
      `${parent}, ${parent}`,
    ]
  ) {
    test(`"${wrong}" begins a new trace`, () => {
      expect(parseTraceParent(wrong)).toBeUndefined();
      const made = begin({}, { traceparent: wrong, tracestate: "a=1" })!;
      expect(made.describe().trace_id).not.toBe(trace);
      expect(made.describe().parent_span_id).toBeUndefined();
      expect(made.call().headers).not.toHaveProperty("tracestate");
    });
  }
});

describe("tracestate", () => {
  test("is handed on when it is well-formed", () => {
    expect(parseTraceState("rojo=00f067aa0ba902b7, congo=t61rcWkgMzE")).toBe(
      "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE",
    );
    expect(parseTraceState("tenant@vendor=1,,")).toBe("tenant@vendor=1");
  });
  for (
    const wrong of [
      "",
      ",",
      "no-value",
      "A=1",
      "a=b=c",
      "a=",
      `a=${"x".repeat(300)}`,
      "a=\u00e9",
      Array.from({ length: 33 }, (_, i) => `k${i}=1`).join(","),
    ]
  ) {
    test(`"${wrong.slice(0, 20)}" is not`, () => expect(parseTraceState(wrong)).toBeUndefined());
  }
});

describe("a request", () => {
  test("goes on with its client's trace, each call a span of its own", () => {
    const made = begin({}, { traceparent: parent, tracestate: "a=1" })!;
    const described = made.describe();
    expect(described).toMatchObject({ trace_id: trace, parent_span_id: span, sampled: true });
    const [first, second] = [made.call(), made.call()];
    expect(first.headers).toEqual({ traceparent: `00-${trace}-${first.spanId}-01`, tracestate: "a=1" });
    expect(new Set([span, described.span_id, first.spanId, second.spanId]).size).toBe(4);
  });

  test("hands its client's trace on as it came where tracing is off", () => {
    const made = begin({ on: false }, { traceparent: `00-${trace}-${span}-00` })!;
    expect(made.describe()).toEqual({ trace_id: trace, parent_span_id: span, sampled: false });
    expect(made.call()).toEqual({ spanId: undefined, headers: { traceparent: `00-${trace}-${span}-00` } });
    expect(begin({ on: false })).toBeUndefined();
  });

  test("tells backends nothing where it is not to", () => {
    expect(begin({ propagate: false }, { traceparent: parent })!.call().headers).toBeUndefined();
    expect(begin({ propagate: false, on: false }, { traceparent: parent })).toBeUndefined();
  });

  test("is sampled as its client says, or by its id where clients are not trusted", () => {
    const sampled = (change: Partial<TracingOptions>, flags: string) =>
      begin(change, { traceparent: `00-${trace}-${span}-${flags}` })!.describe().sampled;
    expect(sampled({ sampleRatio: 0 }, "01")).toBe(true);
    expect(sampled({}, "00")).toBe(false);
    expect(sampled({ trustParent: false }, "00")).toBe(true);
    expect(sampled({ trustParent: false, sampleRatio: 0 }, "01")).toBe(false);
  });

  test("that begins a trace is sampled with the given share, alike wherever the id is seen", () => {
    const tracer = new Tracer({ ...options, sampleRatio: 0.25 });
    let sampled = 0;
    for (let index = 0; index < 4_000; index++) {
      const made = tracer.begin(new Headers())!.describe();
      if (made.sampled) sampled++;
      expect(made.trace_id).toMatch(/^[0-9a-f]{32}$/);
      const again = begin({ sampleRatio: 0.25, trustParent: false }, {
        traceparent: `00-${made.trace_id}-${span}-00`,
      })!;
      expect(again.describe().sampled).toBe(made.sampled);
    }
    expect(sampled).toBeGreaterThan(850);
    expect(sampled).toBeLessThan(1_150);
  });

  test("gets an id that no other has", () => {
    const tracer = new Tracer(options);
    const ids = Array.from({ length: 5_000 }, () => tracer.begin(new Headers())!.describe());
    expect(new Set(ids.map(({ trace_id: id }) => id)).size).toBe(5_000);
    expect(new Set(ids.map(({ span_id: id }) => id)).size).toBe(5_000);
  });
});
