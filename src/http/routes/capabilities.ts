import { z } from "zod";
import { chatFeatures } from "../../plugin/api/fidelity.ts";
import { jsonResponse } from "../json-response.ts";
import type { Route } from "../route.ts";

const fidelity = z.enum(["full", "approximated", "dropped", "refused"]);

const capabilitiesSchema = z.object({
  id: z.string().describe("A name that clients may ask for."),
  targets: z.array(z.object({
    target: z.string().describe("`provider/model`."),
    endpoints: z.record(z.string(), z.enum(["native", "translated"])).describe(
      "Below /v1: whether the backend speaks the endpoint's protocol itself or is asked in another.",
    ),
    features: z.object(Object.fromEntries(chatFeatures.map((feature) => [feature, fidelity]))).describe(
      "What becomes of each feature of a chat completions request on the way to the backend; docs/reference/fidelity.md has the other protocols. `full` passes it on; whether the model heeds it is its own.",
    ),
  })),
});

export const listCapabilitiesRoute: Route = {
  method: "GET",
  path: "/v1/capabilities",
  permission: "inference",
  tag: "Models",
  summary: "What survives on the way to every model that the caller may ask for.",
  responseSchema: z.object({ object: z.literal("list"), data: z.array(capabilitiesSchema) }),
  handle: ({ services, principal, requestId }) =>
    jsonResponse(
      { object: "list", data: services.listCapabilities((target) => principal.mayUse(target)) },
      requestId,
    ),
};
