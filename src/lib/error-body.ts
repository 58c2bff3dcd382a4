import type { ApiError } from "./api-error.ts";

/** The body of every error that the OpenAI protocol knows; all four fields are always there (strict clients insist). */
export interface ErrorBody {
  readonly error: {
    readonly message: string;
    readonly type: string;
    readonly param: string | null;
    readonly code: string | null;
  };
}

export function errorBody(error: ApiError): ErrorBody {
  return { error: { message: error.message, type: error.type, param: error.param, code: error.code } };
}

/** The body of an error in Anthropic's protocol, also as an event of a stream. */
export interface MessageErrorBody {
  readonly type: "error";
  readonly error: { readonly type: string; readonly message: string };
  readonly request_id: string | null;
}

export function messageErrorBody(error: ApiError, requestId: string | null): MessageErrorBody {
  return {
    type: "error",
    error: { type: messageErrorType(error.status), message: placedMessage(error) },
    request_id: requestId,
  };
}

/** The protocol has no field for the place of what is wrong; its own errors begin with it. */
function placedMessage({ param, message }: ApiError): string {
  return param === null || message.includes(param) ? message : `${param}: ${message}`;
}

/** Anthropic's error types by status, as its documentation lists them. */
function messageErrorType(status: number): string {
  switch (status) {
    case 401:
      return "authentication_error";
    case 402:
      return "billing_error";
    case 403:
      return "permission_error";
    case 404:
      return "not_found_error";
    case 413:
      return "request_too_large";
    case 429:
      return "rate_limit_error";
    case 503:
    case 529:
      return "overloaded_error";
    case 504:
      return "timeout_error";
    default:
      return status >= 500 ? "api_error" : "invalid_request_error";
  }
}
