import type { OpenAiCompatibleOptions } from "./options.ts";

type Body = Readonly<Record<string, unknown>>;

/** The request as this backend wants it, which may be the given one; that is not changed, and its unknown fields go along. */
export function encodeRequest(body: Body, options: OpenAiCompatibleOptions, stream: boolean): Body {
  const { max_tokens_field: limitField, drop_fields: dropped, stream_usage: usage } = options;
  const encoded: Record<string, unknown> = { ...body };
  if (limitField !== "as_sent") {
    const other = limitField === "max_tokens" ? "max_completion_tokens" : "max_tokens";
    if (encoded[other] !== undefined) encoded[limitField] ??= encoded[other];
    delete encoded[other];
  }
  if (stream) {
    encoded.stream = true;
    if (usage) {
      const given = body.stream_options as Body | null | undefined;
      encoded.stream_options = given?.include_usage === true ? given : { ...given, include_usage: true };
    } else delete encoded.stream_options;
  } else {
    // A client may say stream: false or stream: null; backends differ in what they make of the latter.
    delete encoded.stream;
    delete encoded.stream_options;
  }
  for (const field of dropped) delete encoded[field];
  return changed(body, encoded);
}

/** The same of a Responses request: its streams tell their usage unasked, and its limit has one spelling only. */
export function encodeResponsesRequest(body: Body, options: OpenAiCompatibleOptions, stream: boolean): Body {
  const encoded: Record<string, unknown> = { ...body };
  if (stream) encoded.stream = true;
  else {
    delete encoded.stream;
    delete encoded.stream_options;
  }
  for (const field of options.drop_fields) delete encoded[field];
  return changed(body, encoded);
}

/** The request itself when nothing in it was to be changed: it can then go out as the client wrote it. */
function changed(given: Body, encoded: Body): Body {
  const names = Object.keys(encoded);
  return names.length === Object.keys(given).length && names.every((name) => encoded[name] === given[name])
    ? given
    : encoded;
}

/** Headers of every request. */
export function encodeHeaders(
  options: OpenAiCompatibleOptions,
  apiKey: string | undefined,
): Record<string, string> {
  return {
    "content-type": "application/json",
    ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
    ...(options.organization === undefined ? {} : { "openai-organization": options.organization }),
    ...(options.project === undefined ? {} : { "openai-project": options.project }),
    ...options.headers,
  };
}
