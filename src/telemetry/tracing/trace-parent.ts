/** What a client's `traceparent` says (https://www.w3.org/TR/trace-context/). */
export interface TraceParent {
  readonly traceId: string;
  readonly spanId: string;
  readonly sampled: boolean;
}

const pattern = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

/** Undefined for everything that the standard does not allow: a new trace then begins. */
export function parseTraceParent(header: string): TraceParent | undefined {
  const [, version, traceId, spanId, flags, more] = pattern.exec(header) ?? [];
  if (version === undefined || version === "ff" || /^0+$/.test(traceId!) || /^0+$/.test(spanId!)) {
    return undefined;
  }
  // Later versions may say more; this one may not.
  if (version === "00" && more !== undefined) return undefined;
  return { traceId: traceId!, spanId: spanId!, sampled: (Number.parseInt(flags!, 16) & 1) === 1 };
}

const longestState = 512;
const mostMembers = 32;
const member =
  /^[a-z0-9][a-z0-9_\-*/@]{0,255}=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]$/;

/** The `tracestate` as it may be handed on; undefined when it is malformed, too long, or empty. */
export function parseTraceState(header: string): string | undefined {
  const members = header.split(",").map((one) => one.trim()).filter((one) => one !== "");
  if (members.length === 0 || members.length > mostMembers || !members.every((one) => member.test(one))) {
    return undefined;
  }
  const text = members.join(",");
  return text.length <= longestState ? text : undefined;
}
