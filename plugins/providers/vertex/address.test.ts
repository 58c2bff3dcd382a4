import { expect, test } from "bun:test";
import { modelPath, vertexRoot } from "./address.ts";
import { vertexOptions } from "./options.ts";

test("every kind of location has its host", () => {
  const root = (location: string, options = {}) => vertexRoot(vertexOptions.parse(options), location);
  expect(root("global")).toBe("https://aiplatform.googleapis.com/v1beta1");
  expect(root("us-central1")).toBe("https://us-central1-aiplatform.googleapis.com/v1beta1");
  expect(root("eu", { api_version: "v1" })).toBe("https://aiplatform.eu.rep.googleapis.com/v1");
  expect(root("eu", { base_url: "http://127.0.0.1:8080/" })).toBe("http://127.0.0.1:8080/v1beta1");
});

test("models are found by name, publisher or endpoint", () => {
  expect(modelPath("gemini-3", "p", "l")).toBe("projects/p/locations/l/publishers/google/models/gemini-3");
  expect(modelPath("publishers/meta/models/llama", "p", "l")).toBe(
    "projects/p/locations/l/publishers/meta/models/llama",
  );
  expect(modelPath("projects/q/locations/l/endpoints/1", "p", "l")).toBe(
    "projects/q/locations/l/endpoints/1",
  );
  expect(modelPath("gemini-3", undefined, "l")).toBe("publishers/google/models/gemini-3");
  expect(modelPath("a?b#c", undefined, "l")).toBe("publishers/google/models/a%3Fb%23c");
});
