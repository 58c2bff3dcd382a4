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
