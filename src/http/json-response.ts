/** A body that is no error; clients compare the content type to the letter. */
export function jsonResponse(
  body: unknown,
  requestId: string,
  headers: Readonly<Record<string, string>> = {},
): Response {
  return new Response(JSON.stringify(body), {
    headers: { "content-type": "application/json", "x-request-id": requestId, ...headers },
  });
}
