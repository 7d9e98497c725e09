import { globSync } from 'node:fs';
import { join, relative } from 'node:path';
import ts from 'typescript';
import { KINDS, type KindId } from '../../src/world/object.ts';

/** A literal part of a path. Alternatives are the values that an expression can have; `*` is an index or any key. */
type Part = readonly string[] | '*';

/** A path that the code writes down, as far as it is literal. */
export interface LiteralPath {
  /** `file:line`, relative to the root of the project. */
  readonly at: string;
  readonly file: string;
  /** Whether it starts at the root of an object. */
  readonly rooted: boolean;
  readonly parts: readonly Part[];
}

// The types that a field leads to; `anything` where the keys are free.
type Step = ReadonlySet<ts.Type> | 'anything';

const NONE: ReadonlySet<ts.Type> = new Set();
const OBJECT = ts.TypeFlags.Object | ts.TypeFlags.Intersection;
const ROOTS = new Set(['spec', 'status', 'metadata', 'data']);
const PLACE = /^(?:spec|status|metadata|data)\./;

/** The sources, and the schemas of `test/support/schemas.ts`, as the TypeScript compiler sees them. */
export class FieldPaths {
  readonly #root: string;
  readonly #files: readonly string[];
  readonly #program: ts.Program;
  readonly #checker: ts.TypeChecker;
  readonly #schemas: ReadonlyMap<KindId, ts.Type>;
  readonly #fields = new Map<KindId, ReadonlyMap<string, ReadonlySet<ts.Type>>>();
  readonly #steps = new Map<ts.Type, Map<string, Step>>();

  /**
   * @param root - The folder of the project.
   * @param folders - The folders whose sources are searched, relative to `root`.
   * @param texts - The text of sources to take instead of those on disk, by path relative to `root`.
   */
  constructor(root: string, folders: readonly string[], texts: ReadonlyMap<string, string> = new Map()) {
    this.#root = root;
    this.#files = folders
      .flatMap((folder) => globSync(`${folder}/**/*.ts`, { cwd: root }))
      .filter((file) => !file.endsWith('.test.ts'))
      .concat([...texts.keys()])
      .sort();
    const schemas = join(root, 'test', 'support', 'schemas.ts');
    const options: ts.CompilerOptions = {
      target: ts.ScriptTarget.ES2024,
      module: ts.ModuleKind.NodeNext,
      moduleResolution: ts.ModuleResolutionKind.NodeNext,
      allowImportingTsExtensions: true,
      strict: true,
      noEmit: true,
      skipLibCheck: true,
      types: ['node'],
    };
    const host = ts.createCompilerHost(options);
    const read = host.readFile.bind(host);
    host.readFile = (path) => texts.get(relative(root, path)) ?? read(path);
    const exists = host.fileExists.bind(host);
    host.fileExists = (path) => texts.has(relative(root, path)) || exists(path);
    this.#program = ts.createProgram(this.#files.map((file) => join(root, file)).concat(schemas), options, host);
    this.#checker = this.#program.getTypeChecker();
    this.#schemas = this.#readSchemas(schemas);
  }

  /** Returns every literal path of the sources. */
  paths(): LiteralPath[] {
    return this.#files.flatMap((file) => {
      const source = this.#program.getSourceFile(join(this.#root, file));
      if (source === undefined) throw new Error(`${file} cannot be read`);
      const found: LiteralPath[] = [];
      const visit = (node: ts.Node): void => {
        const path = this.#pathAt(node);
        if (path !== undefined) {
          const { line } = source.getLineAndCharacterOfPosition(node.getStart(source));
          found.push({ at: `${file}:${line + 1}`, file, ...path });
        }
        ts.forEachChild(node, visit);
      };
      visit(source);
      return found;
    });
  }

  /**
   * Returns the longest beginning of a path that these kinds do not have, or undefined if one of them has all of it.
   * What is not rooted may begin anywhere in them.
   */
  missing({ rooted, parts }: LiteralPath, kinds: readonly KindId[]): string | undefined {
    let types: ReadonlySet<ts.Type> = new Set(
      rooted ? kinds.flatMap((kind) => this.#settled(this.#schemas.get(kind))) : [],
    );
    let isFree = false;
    for (const [index, part] of parts.entries()) {
      if (isFree) return undefined;
      const next = new Set<ts.Type>();
      // Each of the alternatives must exist in one of the types.
      for (const alternative of part === '*' ? ['*' as const] : part) {
        const steps =
          index === 0 && !rooted
            ? kinds.map((kind) => this.#fieldsIn(kind).get(alternative) ?? NONE)
            : [...types].map((type) => this.#step(type, alternative));
        if (index > 0 && steps.includes('anything')) isFree = true;
        else if (steps.every((step) => step === 'anything' || step.size === 0))
          return render([...parts.slice(0, index), alternative === '*' ? '*' : [alternative]]);
        for (const type of steps.flatMap((step) => (step === 'anything' ? [] : [...step]))) next.add(type);
      }
      types = next;
    }
    return undefined;
  }

  /** Returns the kinds that have a type which says something. */
  get kinds(): KindId[] {
    return [...this.#schemas.keys()];
  }

  #readSchemas(path: string): Map<KindId, ts.Type> {
    const source = this.#program.getSourceFile(path);
    const declared = source?.statements.find(
      (node): node is ts.InterfaceDeclaration => ts.isInterfaceDeclaration(node) && node.name.text === 'Schemas',
    );
    if (declared === undefined) throw new Error('test/support/schemas.ts has no Schemas');
    const all = this.#checker.getTypeAtLocation(declared);
    return new Map(
      (Object.keys(KINDS) as KindId[]).map((kind) => {
        const symbol = all.getProperty(kind);
        const type = symbol === undefined ? undefined : this.#checker.getTypeOfSymbol(symbol);
        if (type?.getProperty('metadata') === undefined)
          throw new Error(`the type of ${kind} in test/support/schemas.ts is not that of an object`);
        return [kind, type];
      }),
    );
  }

  // Every field anywhere inside a kind, with the types that it has.
  #fieldsIn(kind: KindId): ReadonlyMap<string, ReadonlySet<ts.Type>> {
    const known = this.#fields.get(kind);
    if (known !== undefined) return known;
    const fields = new Map<string, Set<ts.Type>>();
    const seen = new Set<ts.Type>();
    const queue = this.#settled(this.#schemas.get(kind));
    for (let type = queue.pop(); type !== undefined; type = queue.pop()) {
      if (seen.has(type)) continue;
      seen.add(type);
      const inside = this.#step(type, '*');
      if (inside === 'anything') continue;
      queue.push(...inside);
      for (const { name } of this.#propertiesOf(type)) {
        const step = this.#step(type, name);
        if (step !== 'anything') fields.set(name, new Set([...(fields.get(name) ?? []), ...step]));
      }
    }
    this.#fields.set(kind, fields);
    return fields;
  }

  #step(type: ts.Type, name: string): Step {
    const steps = this.#steps.get(type) ?? new Map<string, Step>();
    this.#steps.set(type, steps);
    let step = steps.get(name);
    if (step === undefined) steps.set(name, (step = this.#stepInto(type, name)));
    return step;
  }

  #stepInto(type: ts.Type, name: string): Step {
    const lists = this.#listsOf(type);
    if (lists.length > 0)
      return name === '*' ? new Set(lists.flatMap((list) => this.#settled(list.getNumberIndexType()))) : NONE;
    if ((type.flags & OBJECT) === 0) return NONE;
    const free = type.getStringIndexType();
    if (free !== undefined)
      return name !== '*' || (free.flags & ts.TypeFlags.Any) !== 0 ? 'anything' : new Set(this.#settled(free));
    if (this.#isEmpty(type)) return 'anything';
    const properties = this.#propertiesOf(type).filter((property) => name === '*' || property.name === name);
    return new Set(properties.flatMap((property) => this.#settled(this.#checker.getTypeOfSymbol(property))));
  }

  #propertiesOf(type: ts.Type): readonly ts.Symbol[] {
    // A plain value and a list have methods only.
    return (type.flags & OBJECT) === 0 || this.#listsOf(type).length > 0 ? [] : type.getProperties();
  }

  // An intersection of lists is what a schema with alternatives becomes.
  #listsOf(type: ts.Type): readonly ts.Type[] {
    return (type.isIntersection() ? type.types : [type]).filter((each) => this.#checker.isArrayType(each));
  }

  // `{}` is what a schema without fields becomes.
  #isEmpty(type: ts.Type): boolean {
    return (type.flags & ts.TypeFlags.Object) !== 0 && type.getProperties().length === 0;
  }

  // The members of a union that are there; a plain value is kept, as nothing leads on from it.
  #settled(type: ts.Type | undefined): ts.Type[] {
    if (type === undefined) return [];
    const some = type.isUnion() ? type.types : [type];
    return some.filter(({ flags }) => (flags & (ts.TypeFlags.Undefined | ts.TypeFlags.Null)) === 0);
  }

  #pathAt(node: ts.Node): Pick<LiteralPath, 'rooted' | 'parts'> | undefined {
    if (ts.isCallExpression(node) && ts.isIdentifier(node.expression) && node.expression.text === 'dig') {
      const [subject, ...keys] = node.arguments;
      const parts = this.#partsOf(keys);
      return subject === undefined || parts === undefined
        ? undefined
        : this.#literal(parts.parts, parts.rooted && this.#isWhole(subject));
    }
    if (ts.isElementAccessExpression(node) && ts.isStringLiteral(node.argumentExpression) && this.#isData(node))
      return this.#literal([[node.argumentExpression.text]], this.#isWhole(node.expression));
    if (ts.isArrayLiteralExpression(node) && this.#isPath(node)) {
      const parts = this.#partsOf(node.elements);
      return parts === undefined ? undefined : this.#literal(parts.parts, parts.rooted);
    }
    return undefined;
  }

  #literal(parts: readonly Part[], rooted: boolean): Pick<LiteralPath, 'rooted' | 'parts'> | undefined {
    const first = parts[0];
    const isRoot = rooted && first !== undefined && first !== '*' && first.every((name) => ROOTS.has(name));
    const start = isRoot ? 0 : parts.findIndex((part) => part !== '*');
    return start < 0 || parts.length === 0 ? undefined : { rooted: isRoot, parts: parts.slice(start) };
  }

  // What comes after the last part that is not known: a spread of something that is no literal.
  #partsOf(nodes: readonly ts.Expression[]): { rooted: boolean; parts: Part[] } | undefined {
    let rooted = true;
    let parts: Part[] = [];
    for (const node of nodes) {
      if (!ts.isSpreadElement(node)) {
        parts.push(this.#partOf(node));
        continue;
      }
      const spread = this.#literalOf(node.expression);
      const inner = spread === undefined ? undefined : this.#partsOf(spread.elements);
      if (inner === undefined) [rooted, parts] = [false, []];
      else if (inner.rooted) parts.push(...inner.parts);
      else [rooted, parts] = [false, inner.parts];
    }
    return { rooted, parts };
  }

  #partOf(node: ts.Expression): Part {
    const type = this.#checker.getTypeAtLocation(node);
    const types = type.isUnion() ? type.types : [type];
    const names = types.flatMap((each) => (each.isStringLiteral() ? [each.value] : []));
    // `-` is the end of a list in a JSON Pointer.
    return names.length === types.length && names.length > 0 && !names.includes('-') && !names.includes('*')
      ? names
      : '*';
  }

  // The array literal that a constant stands for.
  #literalOf(node: ts.Expression): ts.ArrayLiteralExpression | undefined {
    if (ts.isArrayLiteralExpression(node)) return node;
    if (ts.isAsExpression(node)) return this.#literalOf(node.expression);
    if (!ts.isIdentifier(node)) return undefined;
    let symbol = this.#checker.getSymbolAtLocation(node);
    if (symbol !== undefined && (symbol.flags & ts.SymbolFlags.Alias) !== 0)
      symbol = this.#checker.getAliasedSymbol(symbol);
    const declared = symbol?.valueDeclaration;
    return declared !== undefined && ts.isVariableDeclaration(declared) && declared.initializer !== undefined
      ? this.#literalOf(declared.initializer)
      : undefined;
  }

  #isPath(node: ts.ArrayLiteralExpression): boolean {
    // A list of places may start with the same word, but each of them is a whole path.
    if (node.elements.some((each) => ts.isStringLiteral(each) && PLACE.test(each.text))) return false;
    const first = node.elements[0];
    if (first !== undefined && ts.isStringLiteral(first) && ROOTS.has(first.text)) return true;
    return this.#checker.getContextualType(node)?.aliasSymbol?.name === 'Path';
  }

  #isWhole(node: ts.Expression): boolean {
    const { symbol } = this.#checker.getTypeAtLocation(node);
    return symbol?.name === 'KubeObject';
  }

  // Only what reads data of unknown shape, `JsonObject` or an object itself.
  #isData(node: ts.ElementAccessExpression): boolean {
    const type = this.#checker.getNonNullableType(this.#checker.getTypeAtLocation(node.expression));
    const free = type.getStringIndexType();
    return free !== undefined && (free.flags & ts.TypeFlags.Unknown) !== 0;
  }
}

/** Returns a path as a person reads it. */
export function render(parts: readonly Part[]): string {
  return parts.map((part) => (part === '*' ? '*' : part.join('|'))).join('.');
}
