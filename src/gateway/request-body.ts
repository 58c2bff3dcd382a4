/** The fields that every request has. */
export interface RequestBody {
  readonly model: string;
  readonly stream?: boolean | null | undefined;
  readonly stream_options?: { readonly include_usage?: boolean | null | undefined } | null | undefined;
  readonly [field: string]: unknown;
}
