import { asCount, asObject, asText, isObject, type Loose, objectsOf } from "../hub/loose.ts";

/** What an answer rests on, as fields of a message: OpenAI's annotations, and Google's own object, which must be shown with it. */
export function sourceFields(candidate: Loose, text: string): Loose {
  const { groundingMetadata: grounding, citationMetadata: citations } = candidate;
  const annotations = [...groundingAnnotations(asObject(grounding), text), ...citationAnnotations(citations)];
  return {
    ...(annotations.length === 0 ? {} : { annotations }),
    ...(isObject(grounding) && Object.keys(grounding).length > 0
      ? { extra_content: { google: { grounding_metadata: grounding } } }
      : {}),
  };
}

function groundingAnnotations({ groundingChunks, groundingSupports }: Loose, text: string): Loose[] {
  const sources = Array.isArray(groundingChunks) ? groundingChunks.map(readSource) : [];
  const supports = objectsOf(groundingSupports);
  if (supports.length === 0) return sources.flatMap((source) => source ? [annotation(source, 0, 0)] : []);
  const bytes = new TextEncoder().encode(text);
  return supports.flatMap((support) => {
    const { startIndex, endIndex } = asObject(support.segment);
    const start = characters(bytes, asCount(startIndex));
    const end = characters(bytes, asCount(endIndex));
    const indices = Array.isArray(support.groundingChunkIndices) ? support.groundingChunkIndices : [];
    return indices.flatMap((index) => {
      const source = sources[Number(index)];
      return source === undefined ? [] : [annotation(source, start, end)];
    });
  });
}

function citationAnnotations(metadata: unknown): Loose[] {
  return objectsOf(asObject(metadata).citations).flatMap((citation) => {
    const url = asText(citation.uri);
    const source = { url, title: asText(citation.title) || url };
    return url === "" ? [] : [annotation(source, asCount(citation.startIndex), asCount(citation.endIndex))];
  });
}

interface Source {
  readonly url: string;
  readonly title: string;
}

function readSource(chunk: unknown): Source | undefined {
  const { web, retrievedContext, maps } = asObject(chunk);
  const found = [web, retrievedContext, maps].find(isObject);
  const url = asText(found?.uri);
  return url === "" ? undefined : { url, title: asText(found?.title) || url };
}

function annotation({ url, title }: Source, start: number, end: number): Loose {
  return { type: "url_citation", url_citation: { url, title, start_index: start, end_index: end } };
}

/** Google counts in bytes. */
function characters(bytes: Uint8Array, count: number): number {
  return new TextDecoder().decode(bytes.subarray(0, count)).length;
}
