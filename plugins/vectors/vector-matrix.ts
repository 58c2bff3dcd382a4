import type { VectorFilter } from "intellirouter/plugin";
import { setImmediate } from "node:timers/promises";

/** A row that may be near. */
export interface Candidate {
  readonly number: number;
  readonly similarity: number;
}

/** What one vector takes beside its numbers, in bytes. */
const bytesPerRow = 48;
/** Rows between two looks at the clock. */
const rowsPerLook = 256;
/** Longest time that a scan keeps everything else waiting, in milliseconds. */
const sliceMs = 2;

/** @returns bytes that so many vectors of a length take in memory. */
export function matrixBytes(rows: number, length: number): number {
  return rows * (length + bytesPerRow);
}

/**
 * Vectors in memory, one byte a number: each is scaled by its own largest number, which keeps the cosine to within about a
 * hundredth. Whoever needs it exactly compares the best candidates anew.
 */
export class VectorMatrix {
  readonly length: number;
  /** By the texts of their attributes, which the chunks of a file share. */
  readonly #groups = new Map<
    string,
    { readonly index: number; readonly attributes: Readonly<Record<string, unknown>> }
  >();
  readonly #rows = new Map<number, number>();
  #codes = new Int8Array(0);
  /** 1 / the length of the coded vector. */
  #factors = new Float32Array(0);
  #numbers = new Float64Array(0);
  #group = new Int32Array(0);
  #count = 0;

  constructor(length: number) {
    this.length = length;
  }

  get count(): number {
    return this.#count;
  }

  get bytes(): number {
    return matrixBytes(this.#numbers.length, this.length);
  }

  /** Makes room at once for so many. */
  reserve(rows: number): void {
    if (rows <= this.#numbers.length) return;
    this.#codes = grown(this.#codes, Int8Array, rows * this.length);
    this.#factors = grown(this.#factors, Float32Array, rows);
    this.#numbers = grown(this.#numbers, Float64Array, rows);
    this.#group = grown(this.#group, Int32Array, rows);
  }

  /** Adds a vector; one of a number that is there already changes nothing. */
  add(number: number, values: Float32Array, attributes: string): void {
    if (this.#rows.has(number)) return;
    if (this.#count === this.#numbers.length) this.reserve(Math.max(64, Math.ceil(this.#count * 1.5)));
    const row = this.#count++;
    this.#rows.set(number, row);
    this.#numbers[row] = number;
    this.#factors[row] = encode(values, this.#codes, row * this.length);
    this.#group[row] = this.#groupOf(attributes);
  }

  remove(number: number): void {
    const row = this.#rows.get(number);
    if (row === undefined) return;
    this.#rows.delete(number);
    const last = --this.#count;
    if (row === last) return;
    this.#codes.copyWithin(row * this.length, last * this.length, (last + 1) * this.length);
    this.#factors[row] = this.#factors[last]!;
    this.#group[row] = this.#group[last]!;
    const moved = this.#numbers[last]!;
    this.#numbers[row] = moved;
    this.#rows.set(moved, row);
  }

  /** The nearest, best first, nearly exact. Lets others work now and then; what is written meanwhile may be in it or not. */
  async nearest(values: Float32Array, most: number, where: VectorFilter | undefined): Promise<Candidate[]> {
    const asked = new Int8Array(this.length);
    const factor = encode(values, asked, 0);
    const passing = this.#passing(where);
    const best = new BestCandidates(most);
    let since = performance.now();
    for (let row = 0; row < this.#count; row++) {
      if (row % rowsPerLook === 0 && performance.now() - since > sliceMs) {
        await setImmediate();
        since = performance.now();
        if (row >= this.#count) break;
      }
      if (passing !== undefined && !passing[this.#group[row]!]) continue;
      const product = dot(this.#codes, row * this.length, asked);
      best.offer(this.#numbers[row]!, product * this.#factors[row]! * factor);
    }
    return best.sorted();
  }

  #groupOf(attributes: string): number {
    const known = this.#groups.get(attributes);
    if (known !== undefined) return known.index;
    const index = this.#groups.size;
    this.#groups.set(attributes, { index, attributes: JSON.parse(attributes) });
    return index;
  }

  /** Which groups a filter lets through; undefined for all. */
  #passing(where: VectorFilter | undefined): boolean[] | undefined {
    const conditions = Object.entries(where ?? {}).map(([name, value]) =>
      [name, new Set<unknown>(typeof value === "object" ? value : [value])] as const
    );
    if (conditions.length === 0) return undefined;
    return [...this.#groups.values()].map(({ attributes }) =>
      conditions.every(([name, values]) => Object.hasOwn(attributes, name) && values.has(attributes[name]))
    );
  }
}

/** Keeps the best of many. */
export class BestCandidates {
  readonly #most: number;
  /** A heap whose first is the worst that is kept. */
  readonly #heap: Candidate[] = [];

  constructor(most: number) {
    this.#most = most;
  }

  offer(number: number, similarity: number): void {
    const heap = this.#heap;
    if (heap.length < this.#most) {
      heap.push({ number, similarity });
      for (let at = heap.length - 1; at > 0;) {
        const above = (at - 1) >> 1;
        if (heap[above]!.similarity <= heap[at]!.similarity) break;
        swap(heap, at, above);
        at = above;
      }
    } else if (this.#most > 0 && similarity > heap[0]!.similarity) {
      heap[0] = { number, similarity };
      this.#sink();
    }
  }

  /** Best first. */
  sorted(): Candidate[] {
    return this.#heap.toSorted((one, other) => other.similarity - one.similarity);
  }

  #sink(): void {
    const heap = this.#heap;
    for (let at = 0;;) {
      const left = 2 * at + 1;
      const right = left + 1;
      let worst = at;
      if (left < heap.length && heap[left]!.similarity < heap[worst]!.similarity) worst = left;
      if (right < heap.length && heap[right]!.similarity < heap[worst]!.similarity) worst = right;
      if (worst === at) return;
      swap(heap, at, worst);
      at = worst;
    }
  }
}

/** The cosine of two vectors of one length; 0 where one is nothing but zeros. */
export function cosine(one: Float32Array, other: Float32Array): number {
  let [product, first, second] = [0, 0, 0];
  for (let index = 0; index < one.length; index++) {
    const [a, b] = [one[index]!, other[index]!];
    product += a * b;
    first += a * a;
    second += b * b;
  }
  return first === 0 || second === 0 ? 0 : product / Math.sqrt(first * second);
}

/** Writes a vector's code. @returns 1 / the length of what was written; 0 for a vector of zeros. */
function encode(values: Float32Array, codes: Int8Array, offset: number): number {
  let largest = 0;
  for (let index = 0; index < values.length; index++) largest = Math.max(largest, Math.abs(values[index]!));
  if (largest === 0 || !Number.isFinite(largest)) {
    codes.fill(0, offset, offset + values.length);
    return 0;
  }
  let squares = 0;
  for (let index = 0; index < values.length; index++) {
    const code = Math.round((values[index]! / largest) * 127);
    codes[offset + index] = code;
    squares += code * code;
  }
  return 1 / Math.sqrt(squares);
}

/**
 * Whole numbers throughout, so that it fits 32 bits up to 133,000 numbers. Four sums at once: none has to wait for the one before it.
 */
function dot(codes: Int8Array, offset: number, asked: Int8Array): number {
  const length = asked.length;
  const even = length - (length & 3);
  let [one, two, three, four] = [0, 0, 0, 0];
  let place = offset;
  for (let index = 0; index < even; index += 4, place += 4) {
    one = (one + Math.imul(codes[place]!, asked[index]!)) | 0;
    two = (two + Math.imul(codes[place + 1]!, asked[index + 1]!)) | 0;
    three = (three + Math.imul(codes[place + 2]!, asked[index + 2]!)) | 0;
    four = (four + Math.imul(codes[place + 3]!, asked[index + 3]!)) | 0;
  }
  for (let index = even; index < length; index++) {
    one = (one + Math.imul(codes[offset + index]!, asked[index]!)) | 0;
  }
  return one + two + three + four;
}

function swap(heap: Candidate[], one: number, other: number): void {
  const held = heap[one]!;
  heap[one] = heap[other]!;
  heap[other] = held;
}

interface NumberArray extends ArrayLike<number> {
  set(from: ArrayLike<number>): void;
}

function grown<Numbers extends NumberArray>(
  from: Numbers,
  make: new (length: number) => Numbers,
  length: number,
): Numbers {
  const to = new make(length);
  to.set(from);
  return to;
}
