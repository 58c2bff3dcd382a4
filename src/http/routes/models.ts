import { z } from "zod";
import { ApiError } from "../../lib/api-error.ts";
import { didYouMeanSentence } from "../../lib/did-you-mean.ts";
import type { Exchange } from "../exchange.ts";
import { jsonResponse } from "../json-response.ts";
import type { Route } from "../route.ts";

const modelSchema = z.looseObject({
  id: z.string(),
  object: z.literal("model"),
  created: z.number().int(),
  owned_by: z.string(),
});

export const listModelsRoute: Route = {
  method: "GET",
  path: "/v1/models",
  permission: "inference",
  tag: "Models",
  summary: "Every model, alias and route that the caller may ask for.",
  responseSchema: z.looseObject({ object: z.literal("list"), data: z.array(modelSchema) }),
  handle: (exchange) => json({ object: "list", data: visible(exchange) }, exchange),
};

export const getModelRoute: Route = {
  method: "GET",
  path: "/v1/models/:id{.+}",
  permission: "inference",
  tag: "Models",
  summary: "One model. Its id may hold slashes and colons, raw or percent-encoded.",
  responseSchema: modelSchema,
  handle(exchange) {
    const id = exchange.parameter("id");
    const models = visible(exchange);
    const model = models.find((candidate) => candidate.id === id);
    if (model !== undefined) return json(model, exchange);
    throw new ApiError({
      status: 404,
      code: "model_not_found",
      param: "model",
      message: `The model \`${id.slice(0, 256)}\` does not exist.${
        didYouMeanSentence(id, models.map((known) => known.id))
      }`,
    });
  },
};

function visible({ services, principal }: Exchange) {
  return services.listModels((target) => principal.mayUse(target)).filter(({ id }) => principal.mayAsk(id));
}

function json(body: unknown, { requestId, services }: Exchange): Response {
  return jsonResponse(body, requestId, { "x-intellirouter": services.version });
}
