import { UpstreamError } from "intellirouter/plugin";

/** What this backend cannot do at all, and another may. */
export function unsupported(param: string, message: string, code = "unsupported_value"): UpstreamError {
  return new UpstreamError({ kind: "unsupported", param, code, message });
}

/** @throws {UpstreamError} for the id of a file that was uploaded to OpenAI, which no other backend has. */
export function refuseForeignFile(id: string, field: string): void {
  if (!id.startsWith("file-")) return;
  throw unsupported(
    field,
    "The file was uploaded to OpenAI, and this backend cannot read it; send file_data.",
  );
}

/** What no backend could do: the request contradicts itself. */
export function invalid(param: string, message: string, code = "invalid_value"): UpstreamError {
  return new UpstreamError({ kind: "invalid_request", param, code, message });
}
