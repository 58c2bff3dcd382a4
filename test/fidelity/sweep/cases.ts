/** Makes the cases of a sweep: for every field of every object that a request may hold, requests that differ in that field alone. */
import type { Body, Frame, Protocol, Sample, Silence } from "./protocol.ts";
import type { Request } from "./gateway.ts";
import type { Field, Shape } from "./type-graph.ts";

type ObjectShape = Extract<Shape, { kind: "object" }>;

/** One field, in one of the places where its object may stand. */
export interface SweepCase {
  /** `ChatCompletionContentPartImage.ImageURL.detail`, with its value where it has a closed list of them. */
  readonly name: string;
  /** Where it stands in the request: `messages[0].content[0].image_url.detail`. */
  readonly path: string;
  readonly key: string;
  /** Words by which an error may name it. */
  readonly words: readonly string[];
  readonly request: Request;
  /** The same without it, where it may be left out. What is sent must not be the same. */
  readonly without: Request | undefined;
  /** The same with other values. What is sent must not be the same. */
  readonly changed: readonly Request[];
  /** Names under which a loss of it may be told. */
  readonly aliases: readonly string[];
  /** Where it need not be told of. */
  readonly silences: readonly Silence[];
}

/** Where an object stands. */
interface Site {
  readonly shape: ObjectShape;
  readonly path: string;
  /** Names of its kind and of what is around it. */
  readonly words: readonly string[];
  readonly context: Body;
  /** The whole request with this object in its place. */
  place(object: Body): Body;
}

interface Bodies {
  readonly request: Body;
  readonly changed?: readonly Body[];
  readonly without: Body | undefined;
  readonly literal?: unknown;
  /** What the case is about, where that is an object as a whole. */
  readonly shape?: ObjectShape;
}

export class CaseMaker {
  readonly #protocol: Protocol;
  readonly #cases: SweepCase[] = [];
  readonly #seen = new Set<string>();
  readonly #swept = new Set<string>();

  constructor(protocol: Protocol) {
    this.#protocol = protocol;
  }

  /** Every field that has a case or a reason for having none, as `Owner.field`. */
  get swept(): ReadonlySet<string> {
    return this.#swept;
  }

  make(root: Shape): SweepCase[] {
    for (const shape of variants(root)) {
      this.#sweep({ shape, path: "", words: [], context: {}, place: (object) => object });
    }
    return this.#cases;
  }

  #sweep(site: Site): void {
    for (const field of site.shape.fields) {
      const key = keyOf(field);
      this.#swept.add(key);
      if (this.#lookUp(this.#protocol.kept, field) !== undefined) continue;
      this.#sweepScalars(site, field);
      for (const shape of variants(field.shape())) {
        for (const context of this.#protocol.contexts[shape.name] ?? [{}]) {
          this.#enter(site, field, shape, context);
        }
      }
    }
  }

  /** The object in this field, as a whole and then field by field. */
  #enter(site: Site, field: Field, shape: ObjectShape, context: Body): void {
    const edge = `${keyOf(field)} → ${shape.name} ${discriminator(shape)} ${JSON.stringify(context)} ${
      JSON.stringify(site.context)
    }`;
    if (this.#seen.has(edge)) return;
    this.#seen.add(edge);
    const frame = this.#frame(shape, field);
    const isRoot = site.path === "";
    const listed = listKind(field.shape(), shape);
    const around = isRoot && Array.isArray(this.#protocol.base[field.name])
      ? this.#protocol.base[field.name] as unknown[]
      : [];
    const before = listed === "list" ? [...around, ...frame.before ?? []] : [];
    const after = frame.after ?? [];
    const suffix = listed === "list" ? `[${before.length}]` : listed === "record" ? ".sentinel_key" : "";
    const inner: Site = {
      shape,
      path: `${join(site.path, field.name)}${suffix}`,
      words: [...site.words, field.name, ...discriminator(shape).split(" ").filter(Boolean)],
      context,
      place: (object) =>
        this.#whole(
          site,
          field,
          frame,
          listed === "list"
            ? [...before, object, ...after]
            : listed === "record"
            ? { sentinel_key: object }
            : object,
        ),
    };
    this.#enterWhole(site, field, inner, frame, listed === "list" ? [...before, ...after] : undefined);
    this.#sweep(inner);
  }

  #enterWhole(
    site: Site,
    field: Field,
    inner: Site,
    frame: Frame,
    rest: readonly unknown[] | undefined,
  ): void {
    const without = rest !== undefined && (rest.length > 0 || !field.optional)
      ? this.#whole(site, field, frame, rest)
      : field.optional
      ? this.#whole(site, field, frame, undefined)
      : undefined;
    if (without === undefined) return;
    this.#add(field, inner.path, inner.words, `${keyOf(field)} (${inner.shape.name})`, {
      request: inner.place(this.#least(inner)),
      without,
      shape: inner.shape,
    });
  }

  /** The request with this field's value; undefined leaves it out. */
  #whole(site: Site, field: Field, frame: Frame, value: unknown): Body {
    const object = {
      ...this.#least(site),
      ...this.#needs(field),
      ...(value === undefined ? {} : { [field.name]: value }),
    };
    if (value === undefined) delete (object as Record<string, unknown>)[field.name];
    return { ...site.place(object), ...frame.request };
  }

  #sweepScalars(site: Site, field: Field): void {
    const { literals, keywords, isOpen, isList } = scalars(field.shape());
    const wrap = (value: unknown) => isList ? [value] : value;
    const path = join(site.path, field.name);
    const frame = this.#frame(undefined, field);
    const with_ = (value: unknown) => this.#whole(site, field, frame, value);
    const without = field.optional ? with_(undefined) : undefined;
    const words = [...site.words, field.name];
    const given = this.#lookUp(this.#protocol.values, field);
    if (given !== undefined || keywords.length > 0 || isOpen) {
      const pair = given ?? samples(keywords, field.name);
      const [value, other] = given === undefined
        ? [wrap(pair.value), wrap(pair.other)]
        : [pair.value, pair.other];
      this.#add(field, path, words, keyOf(field), {
        request: with_(value),
        changed: [with_(other)],
        // What happens without it is one of the two.
        without: keywords.includes("boolean") ? undefined : without,
      });
    }
    if (literals.length < 2 && !field.optional) return;
    // Beside any text, those that are listed are suggestions.
    if (given !== undefined || keywords.includes("string")) return;
    for (const [index, literal] of literals.entries()) {
      const changed = field.optional ? [] : literals.slice(0, index).map((each) => with_(wrap(each)));
      if (without === undefined && changed.length === 0) continue;
      this.#add(field, path, [...words, String(literal)], `${keyOf(field)} = ${literal}`, {
        request: with_(wrap(literal)),
        changed,
        without,
        literal,
      });
    }
  }

  #add(field: Field, path: string, words: readonly string[], name: string, bodies: Bodies): void {
    const about = [field.owner, ...bodies.shape === undefined ? [] : [bodies.shape.name]];
    const { request, changed = [], without, literal } = bodies;
    const id = JSON.stringify([name, request]);
    // Of whole and of streamed answers the fields are the same.
    if (this.#seen.has(id)) return;
    this.#seen.add(id);
    this.#cases.push({
      name,
      path,
      key: keyOf(field),
      words,
      request: this.#request(request),
      changed: changed.map((body) => this.#request(body)),
      without: without === undefined ? undefined : this.#request(without),
      aliases: [
        ...this.#lookUp(this.#protocol.aliases, field) ?? [],
        ...about.flatMap((name) => this.#protocol.aliases[name] ?? []),
      ],
      silences: (this.#lookUp(this.#protocol.silent, field) ?? []).filter(({ values }) =>
        values === undefined || values.includes(literal)
      ),
    });
  }

  #request(body: Body): Request {
    const rest: Record<string, unknown> = { ...body };
    const headers: Record<string, string> = {};
    for (const [field, header] of Object.entries(this.#protocol.headers)) {
      if (rest[field] === undefined) continue;
      headers[header] = String(rest[field]);
      delete rest[field];
    }
    return { body: rest, headers };
  }

  /** An object with nothing but what it must have. */
  #least({ shape, path, context }: Site): Body {
    return path === "" ? { ...this.#protocol.base } : { ...this.#required(shape), ...context };
  }

  #required(shape: ObjectShape): Body {
    const fields = shape.fields.filter(({ optional }) => !optional).map((
      field,
    ) => [field.name, this.#value(field)]);
    return { ...Object.fromEntries(fields), ...this.#protocol.needs[shape.name] };
  }

  #value(field: Field): unknown {
    const given = this.#lookUp(this.#protocol.values, field);
    return given === undefined ? this.#valueOf(field.shape(), field.name) : given.value;
  }

  #valueOf(shape: Shape, name: string): unknown {
    switch (shape.kind) {
      case "literal":
        return shape.value;
      case "keyword":
        return samples([shape.name], name).value;
      case "array":
        return [this.#valueOf(shape.of, name)];
      case "object":
        return this.#required(shape);
      case "open":
        return samples(["open"], name).value;
      case "union":
        return this.#valueOf(shape.of[0]!, name);
    }
  }

  #needs(field: Field): Body {
    return this.#protocol.needs[keyOf(field)] ?? {};
  }

  #frame(shape: ObjectShape | undefined, field: Field): Frame {
    return (shape === undefined ? undefined : this.#protocol.frames[shape.name]) ??
      this.#lookUp(this.#protocol.frames, field) ?? {};
  }

  #lookUp<Value>(table: Readonly<Record<string, Value>>, field: Field): Value | undefined {
    return table[keyOf(field)] ?? table[field.name];
  }
}

export function keyOf({ owner, name }: Field): string {
  return `${owner}.${name}`;
}

/** The objects that may stand in a place, itself or in a list. */
export function variants(shape: Shape): ObjectShape[] {
  switch (shape.kind) {
    case "object":
      return [shape];
    case "union":
      return shape.of.flatMap(variants);
    case "array":
      return variants(shape.of);
    case "open":
      return shape.of === undefined ? [] : variants(shape.of);
    default:
      return [];
  }
}

/** Whether an object stands in a list, under a free key, or by itself. */
function listKind(shape: Shape, wanted: ObjectShape): "list" | "record" | "single" {
  if (shape.kind === "union") {
    const holder = shape.of.find((each) => variants(each).includes(wanted));
    return holder === undefined ? "single" : listKind(holder, wanted);
  }
  return shape.kind === "array" ? "list" : shape.kind === "open" ? "record" : "single";
}

interface Scalars {
  readonly literals: readonly (string | number | boolean)[];
  readonly keywords: readonly string[];
  readonly isOpen: boolean;
  readonly isList: boolean;
}

/** What a field may hold beside objects. */
function scalars(shape: Shape): Scalars {
  const none: Scalars = { literals: [], keywords: [], isOpen: false, isList: false };
  switch (shape.kind) {
    case "literal":
      return { ...none, literals: [shape.value] };
    case "keyword":
      return shape.name === "null" || shape.name === "undefined" ? none : { ...none, keywords: [shape.name] };
    case "open":
      return shape.of !== undefined && variants(shape.of).length > 0
        ? none
        : { ...none, isOpen: true, keywords: ["open"] };
    case "array": {
      const inner = scalars(shape.of);
      const isEmpty = inner.literals.length + inner.keywords.length === 0;
      return isEmpty ? none : { ...inner, isList: true };
    }
    case "union": {
      const all = shape.of.map(scalars);
      const plain = all.filter(({ isList }) => !isList);
      const lists = all.filter(({ isList }) => isList);
      const used = plain.some(({ literals, keywords }) => literals.length + keywords.length > 0)
        ? plain
        : lists;
      return {
        literals: used.flatMap(({ literals }) => literals),
        keywords: used.flatMap(({ keywords }) => keywords),
        isOpen: used.some(({ isOpen }) => isOpen),
        isList: used === lists && lists.length > 0,
      };
    }
    case "object":
      return none;
  }
}

/** Two values of a kind. */
function samples(keywords: readonly string[], name: string): Sample {
  if (keywords.includes("string")) return { value: `sentinel-${name}`, other: `changed-${name}` };
  if (keywords.includes("number")) return { value: 4_321, other: 4_322 };
  if (keywords.includes("boolean")) return { value: true, other: false };
  return { value: { sentinel_key: `sentinel-${name}` }, other: { sentinel_key: `changed-${name}` } };
}

/** The words that say what an object is. */
function discriminator(shape: ObjectShape): string {
  return shape.fields.flatMap((field) => {
    if (field.optional || !/^(type|role|mode)$/.test(field.name)) return [];
    const own = field.shape();
    return own.kind === "literal" ? [String(own.value)] : [];
  }).join(" ");
}

function join(path: string, name: string): string {
  return path === "" ? name : `${path}.${name}`;
}
