import type { Chunk } from "./chunk-index.ts";
import type { DocumentReader, DocumentSource, SplitOptions } from "./document-reader.ts";
import { IngestError } from "./ingest-error.ts";

/** English text has about four characters a token. */
const charactersPerToken = 4;

/** Reads texts and Markdown, and nothing else. */
export class PlainTextReader implements DocumentReader {
  read({ bytes, filename }: DocumentSource, split: SplitOptions): Promise<readonly Chunk[]> {
    try {
      return Promise.resolve(splitText(decode(bytes, filename), split));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

function decode(bytes: Uint8Array, filename: string): string {
  if (bytes.includes(0)) throw new IngestError("unsupported_file", `${filename} is no text`);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new IngestError("invalid_file", `${filename} is not in UTF-8`);
  }
}

/** Cuts at paragraphs, else at lines, else at words; a Markdown heading begins a chunk of its own. */
function splitText(text: string, { maxTokens, overlapTokens }: SplitOptions): Chunk[] {
  const most = maxTokens * charactersPerToken;
  const chunks: Chunk[] = [];
  let headings: string[] = [];
  let held = "";
  const flush = (keepsEnd: boolean): void => {
    const whole = held.trim();
    if (whole !== "") chunks.push(chunkOf(whole, chunks.length, headings));
    held = keepsEnd && overlapTokens > 0 ? endOf(whole, overlapTokens * charactersPerToken) : "";
  };
  for (const paragraph of text.split(/\n\s*\n|(?=^#{1,6}\s)/m)) {
    const heading = /^(#{1,6})\s+(.+)/.exec(paragraph);
    if (heading !== null) {
      flush(false);
      headings = [...headings.slice(0, heading[1]!.length - 1), heading[2]!.trim()];
    }
    for (const piece of piecesOf(paragraph, most)) {
      if (held.length + piece.length + 2 > most) flush(true);
      if (held.length + piece.length + 2 > most) held = "";
      held = held === "" ? piece : `${held}\n\n${piece}`;
    }
  }
  flush(false);
  return chunks;
}

function chunkOf(text: string, position: number, headings: readonly string[]): Chunk {
  return { text, tokens: Math.ceil(text.length / charactersPerToken), position, headings };
}

function piecesOf(paragraph: string, most: number): string[] {
  const pieces: string[] = [];
  let rest = paragraph.trim();
  while (rest.length > most) {
    const place = Math.max(rest.lastIndexOf("\n", most), rest.lastIndexOf(" ", most));
    const cut = place > most / 2 ? place : most;
    pieces.push(rest.slice(0, cut).trimEnd());
    rest = rest.slice(cut).trimStart();
  }
  return rest === "" ? pieces : [...pieces, rest];
}

function endOf(text: string, characters: number): string {
  const end = text.slice(-characters);
  return end.length < text.length ? end.slice(end.indexOf(" ") + 1) : end;
}
