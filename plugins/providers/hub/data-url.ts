/** A file's bytes as text, and what they are. */
export interface InlineFile {
  /** Lower-case and without parameters; empty when unknown. */
  readonly mediaType: string;
  readonly base64: string;
}

/** The file in a `data:` address; undefined when it is another address. */
export function parseDataUrl(url: string): InlineFile | undefined {
  if (url.slice(0, 5).toLowerCase() !== "data:") return undefined;
  const comma = url.indexOf(",");
  if (comma < 0) return undefined;
  const [type = "", ...parameters] = url.slice(5, comma).split(";");
  const data = url.slice(comma + 1);
  const mediaType = type.trim().toLowerCase();
  const isBase64 = parameters.some((parameter) => parameter.trim().toLowerCase() === "base64");
  if (!isBase64) return { mediaType: mediaType || "text/plain", base64: textToBase64(decodePercent(data)) };
  // Backends are strict about what may be in it.
  return { mediaType, base64: data.replace(/\s+/g, "") };
}

export function bytesToBase64(bytes: Uint8Array): string {
  let binary = "";
  for (let start = 0; start < bytes.length; start += 8192) {
    binary += String.fromCharCode(...bytes.subarray(start, start + 8192));
  }
  return btoa(binary);
}

/** @throws when it is not base64. */
export function base64ToText(base64: string): string {
  const binary = atob(base64);
  return new TextDecoder().decode(Uint8Array.from(binary, (character) => character.charCodeAt(0)));
}

function textToBase64(text: string): string {
  return bytesToBase64(new TextEncoder().encode(text));
}

function decodePercent(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
