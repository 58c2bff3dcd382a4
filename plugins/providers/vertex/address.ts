import type { VertexOptions } from "./options.ts";

/** Locations that are several regions, whose host has another form. */
const multiRegions = new Set(["us", "eu"]);

/** Where the API of a location is, with its version. */
export function vertexRoot(
  { base_url: given, api_version: version }: VertexOptions,
  location: string,
): string {
  return `${(given ?? hostOf(location)).replace(/\/+$/, "")}/${version}`;
}

function hostOf(location: string): string {
  if (location === "global") return "https://aiplatform.googleapis.com";
  if (multiRegions.has(location)) return `https://aiplatform.${location}.rep.googleapis.com`;
  return `https://${location}-aiplatform.googleapis.com`;
}

/**
 * The path of a model: Google's own by its name, others by their publisher (`publishers/meta/models/…`), tuned ones by their endpoint
 * (`endpoints/…`). Without a project, as with a key of the API, only published models have one.
 */
export function modelPath(model: string, project: string | undefined, location: string): string {
  const isPath = /^(projects|publishers|endpoints)\//.test(model);
  const path = (isPath ? model : `publishers/google/models/${model}`).split("/").map(encodeURIComponent).join(
    "/",
  );
  if (project === undefined || model.startsWith("projects/")) return path;
  return `projects/${encodeURIComponent(project)}/locations/${location}/${path}`;
}
