import { type ExportBatch, type Exporter, isExportError } from "../api/exporter.ts";
import type { EgressFetch, PluginHost } from "../api/host.ts";
import { UpstreamError } from "../api/upstream-error.ts";
import { sampleEvents, sampleFamilies } from "./sample-telemetry.ts";
import { type Skips, type TestFunctions, withSkips } from "./test-functions.ts";

export interface ExporterKitOptions {
  /** Makes an exporter whose host is the usual one of your tests with these members in the place of its own. */
  make(host: Pick<PluginHost, "fetch">): Exporter | Promise<Exporter>;
  readonly skip?: Skips;
}

/** A receiver's answer to everything, and how often it was asked. */
function receiver(answer: (signal: AbortSignal | undefined) => Promise<Response>) {
  let calls = 0;
  const fetch: EgressFetch = (_url, init) => {
    calls++;
    return answer(init?.signal);
  };
  return { host: { fetch }, calls: () => calls };
}

const accepting = () => receiver(() => Promise.resolve(new Response("{}", { status: 200 })));

/** The contract of `Exporter`: every implementation must pass it. */
export function testExporter(functions: TestFunctions, options: ExporterKitOptions): void {
  const { expect } = functions;
  const { test, checkSkips } = withSkips(functions, options.skip);

  const batch = (): ExportBatch =>
    frozen({
      id: "5a1b0c8e-0000-4000-8000-000000000001",
      events: sampleEvents(),
      providerKinds: new Map([["cloud", "openai"], ["edge", "openai-compatible"]]),
    });
  const never = new AbortController().signal;

  /** Whatever of the two ways out an exporter has, if it goes through the host's fetch; undefined for others. */
  const sendThrough = async (
    host: Pick<PluginHost, "fetch">,
    signal = never,
  ): Promise<{ readonly error: unknown } | undefined> => {
    const exporter = await options.make(host);
    try {
      await exporter.export?.(batch(), signal);
      await exporter.exportMetrics?.(frozen(sampleFamilies()), signal);
      return undefined;
    } catch (error) {
      return { error };
    } finally {
      await exporter.close?.();
    }
  };

  const reaches = async (): Promise<boolean> => {
    const { host, calls } = accepting();
    await sendThrough(host);
    return calls() > 0;
  };

  functions.describe("exporter contract", () => {
    test("it has an ability", async () => {
      const exporter = await options.make(accepting().host);
      expect(
        [exporter.export, exporter.exportMetrics, exporter.scrape].some((member) =>
          typeof member === "function"
        ),
      ).toBe(true);
      await exporter.close?.();
    });

    test("every kind of event is taken, and none is changed", async () => {
      expect(await sendThrough(accepting().host)).toBeUndefined();
    });

    test("a batch of a kind that it has no use for is taken, too", async () => {
      const exporter = await options.make(accepting().host);
      for (const event of sampleEvents()) {
        await exporter.export?.(frozen({ ...batch(), events: [event] }), never);
      }
      await exporter.close?.();
    });

    test("several batches are taken one after the other", async () => {
      const exporter = await options.make(accepting().host);
      for (let index = 0; index < 3; index++) await exporter.export?.(batch(), never);
      await exporter.close?.();
    });

    test("it ends when the signal aborts, whatever the receiver does", async () => {
      if (!await reaches()) return;
      const controller = new AbortController();
      const { host } = receiver((signal) =>
        new Promise((_resolve, reject) => {
          signal?.addEventListener("abort", () => reject(signal.reason));
          queueMicrotask(() => controller.abort(new Error("time is up")));
        })
      );
      expect(await sendThrough(host, controller.signal)).toBeDefined();
    });

    test("what a receiver refuses is not to be sent again", async () => {
      if (!await reaches()) return;
      const result = await sendThrough(
        receiver(() => Promise.resolve(new Response("no", { status: 400 }))).host,
      );
      expect(isExportError(result?.error)).toBe(true);
      expect((result?.error as { retryable: boolean }).retryable).toBe(false);
    });

    test("what a busy receiver does not take may be sent again, after the time that it asks for", async () => {
      if (!await reaches()) return;
      for (const status of [429, 503]) {
        const result = await sendThrough(
          receiver(() => Promise.resolve(new Response("later", { status, headers: { "retry-after": "7" } })))
            .host,
        );
        expect(isExportError(result?.error)).toBe(true);
        expect(result?.error).toMatchObject({ retryable: true, retryAfterMs: 7_000 });
      }
    });

    test("without a connection it may be sent again", async () => {
      if (!await reaches()) return;
      const result = await sendThrough(
        receiver(() => Promise.reject(new UpstreamError({ kind: "unavailable", message: "no connection" })))
          .host,
      );
      expect(result).toBeDefined();
      expect(isExportError(result?.error) ? (result.error as { retryable: boolean }).retryable : true).toBe(
        true,
      );
    });

    test("metrics are written the same each time, and without any of them there is nothing", async () => {
      const exporter = await options.make(accepting().host);
      if (exporter.scrape !== undefined) {
        const scraped = exporter.scrape(frozen(sampleFamilies()));
        expect(scraped).toEqual(exporter.scrape(frozen(sampleFamilies())));
        expect(scraped.contentType).toMatch(/^[\w.+-]+\/[\w.+-]+/);
        for (const { name } of sampleFamilies()) expect(scraped.body).toContain(name);
        expect(exporter.scrape([]).body).not.toContain("sample");
      }
      await exporter.close?.();
    });
    checkSkips();
  });
}

/** Frozen as deep as it goes, so that whoever changes it is found out. */
function frozen<Value>(value: Value): Value {
  if (typeof value !== "object" || value === null || value instanceof Map) return value;
  Object.values(value).forEach(frozen);
  return Object.freeze(value);
}
