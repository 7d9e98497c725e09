import type { Path } from '../world/path.ts';
import { inspect, type Schema, type Visited } from './models.ts';

/**
 * Where fields of a schema stand: by the name of a field, the places that have one of that name, as
 * `spec.metrics[].provider`.
 */
export type FieldIndex = ReadonlyMap<string, readonly string[]>;

const indexes = new Map<string, FieldIndex>();

/**
 * In: a schema. Out: where its fields stand; metadata, status, pod templates and what is free-form are left out. Worked
 * out once a schema, by asking its validator: it is shown an object that has each known field as an empty object, tells
 * by its errors which of them are lists or plain values and by its questions which fields are in them, and so on
 * inwards.
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

interface Shape {
  kind: 'object' | 'list' | 'value';
  readonly fields: Map<string, Shape>;
  items: Shape | undefined;
}

// Deeper than any schema here; a schema that contains itself would not end.
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
  if (
    shape?.kind !== 'object' ||
    isPodSpec(known) ||
    path.at(-1) === 'metadata' ||
    (path.length === 1 && path[0] === 'status')
  )
    return false;
  let grown = false;
  for (const field of known) {
    if (shape.fields.has(field)) continue;
    shape.fields.set(field, newShape());
    grown = true;
  }
  return grown;
}

function isPodSpec(known: ReadonlySet<string>): boolean {
  return known.has('containers') && known.has('initContainers');
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
