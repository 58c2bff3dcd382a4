import { ApiError } from "../lib/api-error.ts";

/** 401, in the words of OpenAI's API. */
export function unauthorized(message: string): ApiError {
  return new ApiError({
    status: 401,
    type: "invalid_request_error",
    code: "invalid_api_key",
    message,
    headers: { "www-authenticate": 'Bearer realm="intellirouter"' },
  });
}
