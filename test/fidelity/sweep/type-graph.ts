/**
 * The types of a client library's requests, read from its declarations: which fields there are, and which values each may have. Read
 * with `deno doc`, which understands declarations without compiling anything.
 */
import { join } from "node:path";

/** A type as `deno doc` writes it; which fields it has depends on its kind. */
interface DocType {
  readonly kind: string;
  readonly value?: unknown;
}

interface DocProperty {
  readonly name: string;
  readonly optional?: boolean;
  readonly tsType?: DocType;
  readonly jsDoc?: { readonly doc?: string };
}

interface DocSymbol {
  readonly name: string;
  readonly declarations: readonly {
    readonly kind: string;
    readonly def: {
      readonly properties?: readonly DocProperty[];
      readonly extends?: readonly DocType[];
      readonly tsType?: DocType;
      readonly elements?: readonly DocSymbol[];
    };
  }[];
}

interface DocFile {
  readonly imports?: readonly {
    readonly importedName: string;
    readonly originalName?: string;
    readonly src: string;
  }[];
  readonly symbols: readonly DocSymbol[];
}

/** What a value may be. */
export type Shape =
  | { readonly kind: "literal"; readonly value: string | number | boolean }
  | { readonly kind: "keyword"; readonly name: string }
  | { readonly kind: "array"; readonly of: Shape }
  | { readonly kind: "union"; readonly of: readonly Shape[] }
  | { readonly kind: "object"; readonly name: string; readonly fields: readonly Field[] }
  /** Any keys, or anything at all. */
  | { readonly kind: "open"; readonly of: Shape | undefined };

export interface Field {
  /** Where it is declared: `ChatCompletionContentPartImage.ImageURL`. */
  readonly owner: string;
  readonly name: string;
  readonly optional: boolean;
  /** Its value; a function because types contain themselves. */
  readonly shape: () => Shape;
  readonly doc: string;
}

/** Where a name is looked up: a file, and the namespaces around the declaration that names it. */
interface Scope {
  readonly file: string;
  readonly path: readonly string[];
}

interface Found {
  readonly symbol: DocSymbol;
  /** The file, and the whole name in it. */
  readonly scope: Scope;
}

/** The declarations of some files, and of those that they import and that are among them. */
export class TypeGraph {
  readonly #files = new Map<string, DocFile>();
  readonly #objects = new Map<string, Shape>();

  /** @param files paths below `node_modules`. @throws when they cannot be read. */
  static async read(root: string, files: readonly string[]): Promise<TypeGraph> {
    const paths = files.map((file) => join(root, "node_modules", file));
    const child = Bun.spawn(["deno", "doc", "--json", "--quiet", ...paths], {
      stdout: "pipe",
      stderr: "ignore",
    });
    const { nodes } = JSON.parse(await new Response(child.stdout).text());
    const graph = new TypeGraph();
    for (const [address, file] of Object.entries<DocFile>(nodes)) graph.#files.set(keyOf(address), file);
    return graph;
  }

  /** The shape of an exported type. @throws when there is none of that name. */
  shapeOf(file: string, name: string): Shape {
    return this.#resolve({ file, path: [] }, name, []);
  }

  #resolve(scope: Scope, name: string, parameters: readonly Shape[]): Shape {
    if (name === "Array" || name === "ReadonlyArray") return { kind: "array", of: parameters[0] ?? open };
    if (name === "Record") return { kind: "open", of: parameters[1] };
    const found = this.#lookUp(scope, name.split("."));
    if (found === undefined) throw new Error(`${scope.file} declares no ${name}`);
    for (const { kind, def } of found.symbol.declarations) {
      if (kind === "typeAlias") return this.#shape(def.tsType!, found.scope);
      if (kind === "interface") return this.#object(found);
    }
    throw new Error(`${name} of ${scope.file} is no type`);
  }

  #object({ symbol, scope }: Found): Shape {
    const name = scope.path.join(".");
    const key = `${scope.file}#${name}`;
    const known = this.#objects.get(key);
    if (known !== undefined) return known;
    const fields: Field[] = [];
    const shape: Shape = { kind: "object", name, fields };
    this.#objects.set(key, shape);
    for (const { kind, def } of symbol.declarations) {
      if (kind !== "interface") continue;
      for (const parent of def.extends ?? []) {
        const inherited = this.#shape(parent, scope);
        if (inherited.kind === "object") fields.push(...inherited.fields);
      }
      for (const property of def.properties ?? []) {
        const made = this.#field(property, scope);
        const before = fields.findIndex((field) => field.name === made.name);
        if (before >= 0) fields.splice(before, 1);
        fields.push(made);
      }
    }
    return shape;
  }

  #field({ name, optional = false, tsType, jsDoc }: DocProperty, scope: Scope): Field {
    let shape: Shape | undefined;
    return {
      owner: scope.path.join("."),
      name: name.replace(/^"(.*)"$/, "$1"),
      optional,
      doc: jsDoc?.doc ?? "",
      shape: () => shape ??= tsType === undefined ? open : this.#shape(tsType, scope),
    };
  }

  #shape({ kind, value }: DocType, scope: Scope): Shape {
    switch (kind) {
      case "keyword":
        return value === "unknown" || value === "any" || value === "object"
          ? open
          : { kind: "keyword", name: String(value) };
      case "literal": {
        const literal = value as Record<string, string | number | boolean> & { readonly kind: string };
        return { kind: "literal", value: literal[literal.kind]! };
      }
      case "union":
        return { kind: "union", of: (value as DocType[]).map((each) => this.#shape(each, scope)) };
      case "array":
        return { kind: "array", of: this.#shape(value as DocType, scope) };
      case "parenthesized":
        return this.#shape(value as DocType, scope);
      case "intersection": {
        // `string & {}`: any text, beside those that are listed.
        const parts = (value as DocType[]).map((each) => this.#shape(each, scope));
        return parts.find((part) => part.kind !== "object" || part.fields.length > 0) ?? open;
      }
      case "typeLiteral":
        return this.#literalObject(value as TypeLiteral, scope);
      case "mapped":
      case "typeOperator":
        return open;
      case "typeRef": {
        const { typeName, typeParams = [] } = value as { typeName: string; typeParams?: DocType[] };
        return this.#resolve(scope, typeName, typeParams.map((each) => this.#shape(each, scope)));
      }
      default:
        throw new Error(`${scope.path.join(".")} of ${scope.file}: what is a type of the kind "${kind}"?`);
    }
  }

  #literalObject({ properties = [], indexSignatures = [] }: TypeLiteral, scope: Scope): Shape {
    const [index] = indexSignatures;
    if (index !== undefined) return { kind: "open", of: this.#shape(index.tsType, scope) };
    const fields = properties.map((each) => this.#field(each, scope));
    return { kind: "object", name: scope.path.join("."), fields };
  }

  /** Names are known in the namespaces around the one that uses them, the nearest first. */
  #lookUp({ file, path }: Scope, name: readonly string[]): Found | undefined {
    for (let depth = path.length; depth >= 0; depth--) {
      const found = this.#find(file, [...path.slice(0, depth), ...name]);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #find(file: string, path: readonly string[]): Found | undefined {
    const doc = this.#files.get(file);
    if (doc === undefined) throw new Error(`${file} is not among the files that were read`);
    const [first = "", ...rest] = path;
    let symbol = doc.symbols.find(({ name }) => name === first);
    if (symbol === undefined) {
      const from = doc.imports?.find(({ importedName }) => importedName === first);
      if (from === undefined) return undefined;
      // `import * as Shared` names the file itself, `import { Metadata }` something in it.
      const inFile = from.originalName === undefined ? rest : [from.originalName, ...rest];
      return this.#find(keyOf(from.src), inFile);
    }
    for (const name of rest) {
      symbol = symbol?.declarations.flatMap(({ def }) => def.elements ?? []).find((each) =>
        each.name === name
      );
    }
    return symbol === undefined ? undefined : { symbol, scope: { file, path } };
  }
}

interface TypeLiteral {
  readonly properties?: readonly DocProperty[];
  readonly indexSignatures?: readonly { readonly tsType: DocType }[];
}

const open: Shape = { kind: "open", of: undefined };

/** A file by its path below `node_modules`, wherever that is. */
function keyOf(address: string): string {
  return address.replace(/^.*\/node_modules\//, "");
}
