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

  const raw = (text: string, pieceBytes = 1_000) => {
    const bytes = Buffer.from(text);
    let read = 0;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (read >= bytes.length) return controller.close();
        controller.enqueue(Uint8Array.from(bytes.subarray(read, read += pieceBytes)));
      },
    }, { highWaterMark: 0 });
    const headers = { "content-type": "multipart/form-data; boundary=B" };
    return new Request("http://h/", { method: "POST", body, headers, duplex: "half" } as RequestInit);
  };
  const part = (disposition: string, value: string) =>
    `--B\r\nContent-Disposition: form-data; ${disposition}\r\n\r\n${value}\r\n`;

  test("is found however its part is written", async () => {
    for (
      const disposition of [
        'name="model"',
        "name=model",
        'NAME="model" ; x=y',
        'x="; name=\\"other\\""; name="model"',
        'name = "mo\\del"',
      ]
    ) {
      const form = await peekModel(raw(part(disposition, "alias") + "--B--\r\n"), 10_000);
      expect([disposition, form.model]).toEqual([disposition, "alias"]);
    }
  });

  test("is not what merely looks like it", async () => {
    const fake =
      'foo --B\r\ncontent-disposition: form-data; name="model"\r\n\r\nfake\r\n--Bogus\r\ncontent-disposition: form-data; name="model"\r\n\r\nfake';
    const text = part('name="file"; filename="model"', fake) + part('name="model"', "alias") + "--B--\r\n";
    for (const pieceBytes of [1, 7, 10_000]) {
      const form = await peekModel(raw(text, pieceBytes), 10_000);
      expect(form.model).toBe("alias");
      expect(await new Response(form.body("m")).text()).toBe(text.replace("alias", "m"));
    }
  });

  test("must be the only one, wherever the second is", async () => {
    const models = part('name="model"', "allowed") + part('name="file"; filename="f"', "x".repeat(30_000)) +
      part("name=model", "forbidden");
    for (const pieceBytes of [13, 1_000, 100_000]) {
      const failure = await peekModel(raw(`${models}--B--\r\n`, pieceBytes), 100_000)
        .then((form) => new Response(form.body("m")).text())
        .then(() => undefined, (error: ApiError) => error.code);
      expect([pieceBytes, failure]).toEqual([pieceBytes, "invalid_form"]);
    }
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
