import { Busboy } from "@fastify/busboy";
import { ApiError } from "../lib/api-error.ts";
import { brokenOff } from "./body-errors.ts";

/** The first file of a form, as it comes in. */
export interface UploadedFile {
  readonly filename: string;
  readonly contentType: string | undefined;
  readonly pieces: AsyncIterable<Uint8Array>;
  /** The other fields, once all of the form is there. */
  readonly fields: Promise<ReadonlyMap<string, string>>;
}

/** What a form may hold beside its file, in bytes. */
const mostBeside = 1_048_576;

/**
 * Reads a multipart form (RFC 7578) with one file in the field `file`, which is handed on piece by piece: a file of any length takes
 * little memory.
 *
 * @param keep takes the pieces to their end, and only then waits for the fields.
 * @throws {ApiError} 400 for no such form, 413 for one that goes on and on; whatever `keep` throws.
 */
export async function readUpload<Kept>(
  request: Request,
  maxBytes: number,
  keep: (file: UploadedFile) => Promise<Kept>,
): Promise<Kept> {
  const contentType = request.headers.get("content-type") ?? "";
  if (!/^multipart\/form-data\b.*\bboundary=/i.test(contentType)) {
    throw invalidForm(
      "The body must be a multipart form (multipart/form-data) with the fields `file` and `purpose`.",
    );
  }
  const most = maxBytes + mostBeside;
  if (Number(request.headers.get("content-length") ?? 0) > most) throw tooLarge();
  const form = new Busboy({
    headers: { "content-type": contentType },
    limits: { files: 1, fields: 32, fieldSize: 4_096, fieldNameSize: 256, headerPairs: 64 },
  });
  const fields = new Map<string, string>();
  const whole = Promise.withResolvers<ReadonlyMap<string, string>>();
  whole.promise.catch(() => {});
  let kept: Promise<Kept> | undefined;
  const failure = Promise.withResolvers<void>();
  let hasFailed = false;
  let cut = (_error: Error): void => {};
  form.on("field", (name, value) => void fields.set(name, value));
  form.on("file", (name, stream, filename, _encoding, mediaType) => {
    // Whoever reads it hears of a form that breaks off by the fields that never come.
    if (name !== "file" || kept !== undefined) return void stream.resume();
    cut = (error) => stream.destroy(error);
    kept = keep({ filename, contentType: mediaType, pieces: stream, fields: whole.promise });
    kept.catch(() => {
      hasFailed = true;
      failure.resolve();
    });
  });
  form.on("finish", () => whole.resolve(fields));
  form.on(
    "error",
    (error) => whole.reject(invalidForm(`The form cannot be read: ${(error as Error).message}.`)),
  );
  try {
    await Promise.race([pump(request, form, most), failure.promise]);
    if (!hasFailed) await Promise.race([whole.promise, failure.promise]);
  } catch (error) {
    whole.reject(error);
    // Whoever reads it must not wait for ever, and keeps nothing of it.
    cut(error as Error);
    form.destroy();
    if (!hasFailed) throw error;
  }
  if (kept === undefined) throw invalidForm("The form has no file in the field `file`.", "file");
  return await kept;
}

/** Hands the body on as fast as it is taken. */
async function pump(request: Request, form: InstanceType<typeof Busboy>, most: number): Promise<void> {
  const reader = request.body?.getReader();
  for (let bytes = 0;;) {
    const { done, value } = await reader?.read().catch(brokenOff) ?? { done: true, value: undefined };
    if (done) return void form.end();
    bytes += value.byteLength;
    if (bytes > most) throw tooLarge();
    if (!form.write(value)) await new Promise((resolve) => form.once("drain", resolve));
  }
}

function tooLarge(): ApiError {
  return new ApiError({
    status: 413,
    code: "file_too_large",
    param: "file",
    message: "The form is larger than any file may be (retrieval.max_file_bytes).",
  });
}

function invalidForm(message: string, param?: string): ApiError {
  return new ApiError({ status: 400, code: "invalid_form", param, message });
}
