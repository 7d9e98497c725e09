import type { FieldTree } from '../world/field-tree.ts';
import type { Path } from '../world/path.ts';
import { inspect, type Schema, type Visited } from './models.ts';

/** The places in a schema that have a field, by the name of the field. A place looks like `spec.metrics[].provider`. */
export type FieldIndex = ReadonlyMap<string, readonly string[]>;

const indexes = new Map<string, FieldIndex>();

/**
 * Returns the places of all fields of a schema, except in metadata, status, pod templates and free-form objects.
 * Computed once for each schema, from its validator. The validator gets an object in which each known field is an empty
 * object. Its errors show which fields are lists or plain values, and the fields it reads show what is inside them. This
 * repeats until nothing new is found.
 */
export function fieldsOf(schema: Schema): FieldIndex {
  const id = `${schema.apiVersion}/${schema.kind}`;
  let index = indexes.get(id);
  if (index === undefined) {
    index = indexOf(discover(schema));
    indexes.set(id, index);
  }
  return index;
}

const ofTrees = new WeakMap<FieldTree, FieldIndex>();

/** Returns the places of all fields of an installed schema, with the same exceptions. */
export function fieldsOfInstalled(tree: FieldTree): FieldIndex {
  let index = ofTrees.get(tree);
  if (index === undefined) {
    index = indexOf(shapeOf(tree, []));
    ofTrees.set(tree, index);
  }
  return index;
}

function shapeOf({ fields, items }: FieldTree, path: readonly string[]): Shape {
  const shape = newShape();
  if (fields === undefined) shape.items = items === undefined ? undefined : shapeOf(items, path);
  else if (!isLeftOut(path, new Set(fields.keys())))
    for (const [name, inner] of fields) shape.fields.set(name, shapeOf(inner, [...path, name]));
  return shape;
}

interface Shape {
  kind: 'object' | 'list' | 'value';
  readonly fields: Map<string, Shape>;
  items: Shape | undefined;
}

// Deeper than any schema here. Without a limit, a schema that contains itself would never end.
const MAX_ROUNDS = 30;

const newShape = (): Shape => ({ kind: 'object', fields: new Map(), items: undefined });

function discover(schema: Schema): Shape {
  const root = newShape();
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const inspection = inspect(schema, exampleOf(root));
    if (inspection === undefined) break;
    let grown = false;
    for (const error of inspection.errors) {
      if (error.keyword === 'type') grown = settle(shapeAt(root, error.path), error.params['type']) || grown;
    }
    for (const visited of inspection.visited) grown = extend(shapeAt(root, visited.path), visited) || grown;
    if (!grown) break;
  }
  return root;
}

function settle(shape: Shape | undefined, type: unknown): boolean {
  const types = Array.isArray(type) ? type : [type];
  if (shape?.kind !== 'object' || types.includes('object')) return false;
  shape.kind = types.includes('array') ? 'list' : 'value';
  if (shape.kind === 'list') shape.items = newShape();
  return true;
}

function extend(shape: Shape | undefined, { path, known }: Visited): boolean {
  if (shape?.kind !== 'object' || isLeftOut(path, known)) return false;
  let grown = false;
  for (const field of known) {
    if (shape.fields.has(field)) continue;
    shape.fields.set(field, newShape());
    grown = true;
  }
  return grown;
}

function isLeftOut(path: Path, known: ReadonlySet<string>): boolean {
  const isPodSpec = known.has('containers') && known.has('initContainers');
  return isPodSpec || path.at(-1) === 'metadata' || (path.length === 1 && path[0] === 'status');
}

function exampleOf(shape: Shape): unknown {
  if (shape.kind === 'value') return undefined;
  if (shape.items !== undefined) return [exampleOf(shape.items)];
  const entries = [...shape.fields].map(([field, inner]) => [field, exampleOf(inner)] as const);
  return Object.fromEntries(entries.filter(([, example]) => example !== undefined));
}

function shapeAt(root: Shape, path: Path): Shape | undefined {
  let shape: Shape | undefined = root;
  for (const part of path) shape = typeof part === 'number' ? shape?.items : shape?.fields.get(part);
  return shape;
}

function indexOf(root: Shape): FieldIndex {
  const index = new Map<string, string[]>();
  const walk = (shape: Shape, place: string): void => {
    if (shape.items !== undefined) walk(shape.items, `${place}[]`);
    for (const [field, inner] of shape.fields) {
      index.set(field, [...(index.get(field) ?? []), place]);
      walk(inner, place === '' ? field : `${place}.${field}`);
    }
  };
  walk(root, '');
  return index;
}
