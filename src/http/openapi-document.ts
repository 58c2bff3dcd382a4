import { z } from "zod";
import { decisionSchema } from "../schema/decision.ts";
import type { Route } from "./route.ts";

const errorSchema = z.object({
  error: z.object({
    message: z.string(),
    type: z.string(),
    param: z.string().nullable(),
    code: z.string().nullable(),
  }),
});

/** The OpenAPI 3.1 description of a route table. */
export function openApiDocument(routes: readonly Route[], version: string): Record<string, unknown> {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const route of routes) {
    const path = route.path.replace(/:(\w+)(\{[^}]*\})?/g, "{$1}");
    (paths[path] ??= {})[route.method.toLowerCase()] = describe(route);
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "IntelliRouter",
      version,
      license: { name: "MIT", identifier: "MIT" },
      description:
        "One endpoint for every model backend. Unknown request fields are handed on to backends that speak the OpenAI protocol.",
    },
    tags: ["Inference", "Models", "Administration", "Health"].map((name) => ({ name })),
    paths,
    components: {
      securitySchemes: { apiKey: { type: "http", scheme: "bearer" } },
      schemas: { Error: toSchema(errorSchema), Decision: toSchema(decisionSchema) },
    },
  };
}

function describe(route: Route): Record<string, unknown> {
  const content: Record<string, unknown> = {
    [route.mediaType ?? "application/json"]: {
      schema: route.responseSchema === undefined ? {} : toSchema(route.responseSchema),
    },
  };
  if (route.streams) content["text/event-stream"] = { schema: { type: "string" } };
  return {
    summary: route.summary,
    tags: [route.tag],
    operationId: operationId(route),
    security: route.permission === "open" ? [] : [{ apiKey: [] }],
    ...parameters(route),
    ...(route.requestSchema === undefined ? {} : {
      requestBody: {
        required: true,
        content: { "application/json": { schema: toSchema(route.requestSchema) } },
      },
    }),
    responses: {
      200: { description: "Success", content },
      default: {
        description: "Failure",
        content: { "application/json": { schema: { $ref: "#/components/schemas/Error" } } },
      },
    },
  };
}

function operationId(route: Route): string {
  const words = route.path.replace(/\{[^}]*\}/g, "").split(/[^A-Za-z0-9]+/).filter((word) => word !== "");
  return [route.method.toLowerCase(), ...words].join("_");
}

function parameters(route: Route): Record<string, unknown> {
  const inPath = [...route.path.matchAll(/:(\w+)/g)].map(([, name]) => ({
    name,
    in: "path",
    required: true,
    schema: { type: "string" },
  }));
  const inQuery = Object.entries(route.querySchema?.shape ?? {}).map(([name, schema]) => {
    const { description, ...rest } = toSchema(schema as z.ZodType);
    return {
      name,
      in: "query",
      required: false,
      ...(description === undefined ? {} : { description }),
      schema: rest,
    };
  });
  const all = [...inPath, ...inQuery];
  return all.length === 0 ? {} : { parameters: all };
}

function toSchema(schema: z.ZodType): Record<string, unknown> {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: "input" }) as Record<string, unknown>;
  return rest;
}
