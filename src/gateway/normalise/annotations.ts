type Loose = Readonly<Record<string, unknown>>;

/** Whether the sources that a text names have every field that strict clients insist on. */
export function annotationsAreClean(given: unknown): boolean {
  if (given === undefined || given === null) return true;
  return Array.isArray(given) && given.every((annotation) => {
    const citation = citationOf(annotation);
    return citation === undefined ||
      typeof citation.url === "string" && typeof citation.title === "string" &&
        Number.isInteger(citation.start_index) && Number.isInteger(citation.end_index);
  });
}

/** The same as they should have been; backends that search tell an address and little more. */
export function mendAnnotations(given: unknown): readonly unknown[] {
  if (!Array.isArray(given)) return [];
  return given.map((annotation) => {
    const citation = citationOf(annotation);
    if (citation === undefined) return annotation;
    const { url, title, start_index: start, end_index: end } = citation;
    const address = typeof url === "string" ? url : "";
    return {
      ...annotation,
      url_citation: {
        ...citation,
        url: address,
        title: typeof title === "string" ? title : address,
        start_index: Number.isInteger(start) ? start : 0,
        end_index: Number.isInteger(end) ? end : 0,
      },
    };
  });
}

function citationOf(annotation: unknown): Loose | undefined {
  const citation = (annotation as Loose | null | undefined)?.url_citation;
  return typeof citation === "object" && citation !== null ? citation as Loose : undefined;
}
