import { z } from "zod";
import { ApiError } from "../../lib/api-error.ts";
import type { Upload } from "../../rag/files.ts";
import { fileView } from "../../rag/views.ts";
import { deletedSchema, filePurposes, fileSchema } from "../../schema/retrieval.ts";
import { jsonResponse } from "../json-response.ts";
import { listPage, listQuerySchema, listSchema, readListQuery } from "../list-page.ts";
import { readUpload } from "../read-upload.ts";
import type { Route } from "../route.ts";
import { validate } from "../validate.ts";

const mostFiles = 10_000;

const fieldsSchema = z.object({
  purpose: z.enum(filePurposes),
  expires_after: z.object({
    anchor: z.literal("created_at"),
    seconds: z.number().int().min(3_600).max(2_592_000),
  }).optional(),
});

const formSchema = z.object({
  file: z.string().describe("The file."),
  purpose: z.enum(filePurposes).describe("What it is for; `assistants` or `user_data` for vector stores."),
  "expires_after[anchor]": z.literal("created_at").optional(),
  "expires_after[seconds]": z.string().optional().describe(
    "Seconds after which it is deleted; 3600 to 2592000.",
  ),
});

const about = { permission: "inference", tag: "Files" } as const;

/** OpenAI's Files API. What another tenant has is as unknown as what never was. */
export const fileRoutes: readonly Route[] = [
  {
    ...about,
    method: "POST",
    path: "/v1/files",
    summary: "Uploads a file, as a multipart form.",
    requestSchema: formSchema,
    responseSchema: fileSchema,
    async handle({ request, services, principal, requestId }) {
      const { files } = services.retrieval.open();
      const file = await readUpload(
        request,
        files.maxBytes,
        ({ filename, contentType, pieces, fields }) =>
          files.add(pieces, async () => ({
            tenant: principal.tenant,
            filename,
            contentType,
            ...uploadOf(await fields),
          })),
      );
      return jsonResponse(fileView(file), requestId);
    },
  },
  {
    ...about,
    method: "GET",
    path: "/v1/files",
    summary: "The files of the caller's tenant.",
    querySchema: listQuerySchema(mostFiles, mostFiles).extend({
      purpose: z.string().optional().describe("Only files of this purpose."),
    }),
    responseSchema: listSchema(fileSchema),
    handle(exchange) {
      const { services, principal, query, requestId } = exchange;
      const page = readListQuery(exchange, mostFiles, mostFiles);
      const { items, hasMore } = services.retrieval.open().files.list(principal.tenant, {
        ...page,
        purpose: query("purpose"),
      });
      return jsonResponse(listPage(items.map(fileView), hasMore), requestId);
    },
  },
  {
    ...about,
    method: "GET",
    path: "/v1/files/:id",
    summary: "What is known of a file.",
    responseSchema: fileSchema,
    handle: ({ services, principal, parameter, requestId }) =>
      jsonResponse(
        fileView(services.retrieval.open().files.get(principal.tenant, parameter("id"))),
        requestId,
      ),
  },
  {
    ...about,
    method: "GET",
    path: "/v1/files/:id/content",
    summary: "The bytes of a file.",
    mediaType: "application/octet-stream",
    handle({ services, principal, parameter, requestId }) {
      const { file, body } = services.retrieval.open().files.content(principal.tenant, parameter("id"));
      return new Response(body, {
        headers: {
          // What a client has uploaded must not become a page of ours in anybody's browser.
          "content-type": "application/octet-stream",
          "content-length": String(file.bytes),
          "content-disposition": `attachment; filename*=UTF-8''${encodeURIComponent(file.filename)}`,
          "x-content-type-options": "nosniff",
          "x-request-id": requestId,
        },
      });
    },
  },
  {
    ...about,
    method: "DELETE",
    path: "/v1/files/:id",
    summary: "Deletes a file, also from the vector stores that it is in.",
    responseSchema: deletedSchema,
    async handle({ services, principal, parameter, requestId }) {
      const id = parameter("id");
      await services.retrieval.open().files.delete(principal.tenant, id);
      return jsonResponse({ id, object: "file", deleted: true }, requestId);
    },
  },
];

/** @throws {ApiError} 400 */
function uploadOf(fields: ReadonlyMap<string, string>): Pick<Upload, "purpose" | "expiresAfterSeconds"> {
  const anchor = fields.get("expires_after[anchor]");
  const seconds = fields.get("expires_after[seconds]");
  if ((anchor === undefined) !== (seconds === undefined)) {
    throw new ApiError({
      status: 400,
      code: "invalid_value",
      param: "expires_after",
      message: "`expires_after` has an anchor and seconds, or is left out.",
    });
  }
  const { purpose, expires_after: expires } = validate(fieldsSchema, {
    ...(fields.has("purpose") ? { purpose: fields.get("purpose") } : {}),
    ...(seconds === undefined ? {} : { expires_after: { anchor, seconds: Number(seconds) } }),
  });
  return { purpose, expiresAfterSeconds: expires?.seconds };
}
