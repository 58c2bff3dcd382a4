import type { DatabaseValue, VectorFilter, VectorRecord } from "intellirouter/plugin";

export type Row = Record<string, DatabaseValue>;

/** Words that a query may have; the rest of a long text says nothing new. */
const mostWords = 64;

/** Names of attributes become part of a statement, values never do. */
export function condition(
  partition: string,
  where: VectorFilter = {},
): { sql: string; values: DatabaseValue[] } {
  const entries = Object.entries(where);
  for (const [name] of entries) {
    if (!/^[a-z_]{1,64}$/.test(name)) {
      throw new TypeError(`An attribute's name is lower-case letters, not "${name}"`);
    }
  }
  return {
    sql: [
      "records.partition = ?",
      ...entries.map(([name, value]) =>
        `json_extract(attributes, '$.${name}') ${
          typeof value === "object" ? "IN (SELECT value FROM json_each(?))" : "= ?"
        }`
      ),
    ].join(" AND "),
    values: [
      partition,
      ...entries.map(([, value]) => typeof value === "object" ? JSON.stringify(value) : value),
    ],
  };
}

/** Each in quotes, so that none is an operator; words of one or two letters are in every text. */
export function wordsOf(text: string): string[] {
  const words = text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
  const telling = words.filter((word) => word.length > 2 || /[^\p{Script=Latin}]/u.test(word));
  return [...new Set(telling.length > 0 ? telling : words)].slice(0, mostWords).map((word) => `"${word}"`);
}

export function recordOf({ id, text, space, vector, attributes }: Row): VectorRecord {
  return {
    id: id as string,
    text: text as string,
    ...(space === null || vector === null
      ? {}
      : { vector: { space: space as string, values: vectorOf(vector as Uint8Array) } }),
    attributes: JSON.parse(attributes as string),
  };
}

export function bytesOf(values: Float32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

/** A copy: what the driver gives need not begin where a number may. */
export function vectorOf(bytes: Uint8Array): Float32Array {
  return new Float32Array(bytes.slice().buffer);
}
