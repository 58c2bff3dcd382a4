import { UpstreamError } from "intellirouter/plugin";

/** What this backend cannot do at all, and another may. */
export function unsupported(param: string, message: string, code = "unsupported_value"): UpstreamError {
  return new UpstreamError({ kind: "unsupported", param, code, message });
}

/** What no backend could do: the request contradicts itself. */
export function invalid(param: string, message: string, code = "invalid_value"): UpstreamError {
  return new UpstreamError({ kind: "invalid_request", param, code, message });
}
