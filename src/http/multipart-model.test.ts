import { describe, expect, test } from "bun:test";
import { ApiError } from "../lib/api-error.ts";
import { peekModel } from "./multipart-model.ts";

const file = new Uint8Array(200_000).map((_, index) => index % 251);

/** A form as a client sends it, in pieces of this many bytes. */
async function requestOf(form: FormData, pieceBytes: number) {
  const whole = new Request("http://h/", { method: "POST", body: form });
  const type = whole.headers.get("content-type")!;
  const bytes = new Uint8Array(await whole.arrayBuffer());
  let read = 0;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      if (read >= bytes.length) return controller.close();
      controller.enqueue(bytes.slice(read, read += pieceBytes));
    },
  }, { highWaterMark: 0 });
  const request = new Request(
    "http://h/",
    { method: "POST", body, headers: { "content-type": type }, duplex: "half" } as RequestInit,
  );
  return { request, type, read: () => read, length: bytes.length };
}

function formOf(...names: ("model" | "file" | "prompt")[]): FormData {
  const form = new FormData();
  for (const name of names) {
    if (name === "model") form.append("model", "alias");
    else if (name === "prompt") form.append("prompt", 'name="model"\r\n\r\nnot this');
    else form.append("file", new Blob([file]), 'model"; name=x.wav');
  }
  return form;
}

async function parsed(body: ReadableStream, type: string): Promise<FormData> {
  return await new Response(body, { headers: { "content-type": type } }).formData();
}

describe("the model of a form", () => {
  for (const names of [["model", "file"], ["file", "model"], ["prompt", "model", "file"]] as const) {
    for (const pieceBytes of [7, 1_000, 1_000_000]) {
      test(`is found in ${names.join(", ")}, in pieces of ${pieceBytes}, and replaced`, async () => {
        const { request, type } = await requestOf(formOf(...names), pieceBytes);
        const form = await peekModel(request, 1_000_000);
        expect(form.model).toBe("alias");
        const sent = await parsed(form.body("a-much-longer-backend-model"), type);
        expect([...sent.keys()]).toEqual([...names]);
        expect(sent.get("model")).toBe("a-much-longer-backend-model");
        const copy = new Uint8Array(await (sent.get("file") as Blob).arrayBuffer());
        expect(Buffer.from(copy).equals(Buffer.from(file))).toBe(true);
      });
    }
  }

  test("is enough: what comes after it is not read before it is asked for", async () => {
    const { request, read, length } = await requestOf(formOf("model", "file"), 1_000);
    const form = await peekModel(request, 1_000_000);
    expect(form.whole).toBe(false);
    expect(read()).toBeLessThan(5_000);
    const reader = form.body("m").getReader();
    while (!(await reader.read()).done);
    expect(read()).toBeGreaterThanOrEqual(length);
  });

  test("a form that is all there can be sent twice", async () => {
    const { request, type } = await requestOf(formOf("file", "model"), 1_000_000);
    const form = await peekModel(request, 1_000_000);
    expect(form.whole).toBe(true);
    for (const model of ["one", "two"]) {
      expect((await parsed(form.body(model), type)).get("model")).toBe(model);
    }
  });

  test("must be there, in a form that is one, of a size that is allowed", async () => {
    const refusal = async (form: FormData, maxBytes: number, type?: string) => {
      const { request } = await requestOf(form, 1_000);
      if (type !== undefined) request.headers.set("content-type", type);
      return await peekModel(request, maxBytes).then(
        () => undefined,
        (error: ApiError) => [error.status, error.code],
      );
    };
    expect(await refusal(formOf("file"), 1_000_000)).toEqual([400, "missing_required_parameter"]);
    expect(await refusal(formOf("file", "model"), 10_000)).toEqual([413, "request_too_large"]);
    expect(await refusal(formOf("model"), 1_000_000, "multipart/form-data")).toEqual([400, "invalid_form"]);
  });

  test("a form that grows too large while it is sent on breaks off", async () => {
    const { request } = await requestOf(formOf("model", "file"), 1_000);
    const reader = (await peekModel(request, 50_000)).body("m").getReader();
    const failure = await (async () => {
      while (!(await reader.read()).done);
    })().then(() => undefined, (error: ApiError) => error.status);
    expect(failure).toBe(413);
  });
});
