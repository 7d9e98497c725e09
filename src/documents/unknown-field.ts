import { limitedObjects } from '../world/field-tree.ts';
import { nearest } from '../world/nearest.ts';
import { renderPath, type Path } from '../world/path.ts';
import { asObject, isObject, type JsonObject } from '../world/read.ts';
import type { SourceObject } from '../world/manifests.ts';
import { defineDocumentCheck, MAX_FINDINGS, type ReportDocument } from './define.ts';
import { fieldsOf, fieldsOfInstalled, type FieldIndex } from './fields.ts';
import { NEWEST_KNOWN } from './newer-field-list.ts';
import { isNewerField, newerFieldsAt, placeOf } from './newer-fields.ts';
import { schemaOf, type Inspection, type Schema, type Visited } from './models.ts';

const MESSAGES = {
  misspelt: {
    class: 'advice',
    text: '{place} has the unknown field "{field}" (schema of {schema})',
    fix: 'use "{near}" if that is meant, otherwise remove it',
  },
  misplaced: {
    class: 'advice',
    text: '{place} has the unknown field "{field}", which belongs in {places}',
    fix: 'move it there, or remove it',
  },
  elsewhere: {
    class: 'advice',
    text: '{place} has the unknown field "{field}", which belongs in {places} of the {kind}',
    fix: 'set it there, and remove it here',
  },
  unknown: {
    class: 'advice',
    text: '{place} has the unknown field "{field}" (schema of {schema})',
    fix: 'remove it unless your version has it; kubectl rejects it, other clients drop it',
  },
  notInstalled: {
    class: 'advice',
    text: '{place} has the unknown field "{field}" (schema of {schema})',
    fix: 'remove it, or install a version that has it; kubectl rejects it, other clients drop it',
  },
  newer: {
    class: 'advice',
    text: '{place} has the field "{field}", which the installed CustomResourceDefinition does not have',
    fix: 'install a version that has it, such as {newest}, or remove it; kubectl rejects it, other clients drop it',
  },
} as const;

/** Reports fields that the schema of their kind does not have. */
export const unknownField = defineDocumentCheck({
  id: 'unknown-field',
  summary:
    'Rollouts, analyses, experiments, VirtualServices, DestinationRules, Gateway API routes and Services have only fields that exist.',
  explanation:
    'kubectl rejects an unknown field (strict validation is its default since 1.25). Helm, Argo CD and most other ' +
    'clients do not, and the API server then silently drops the field. The setting has no effect, and no message ' +
    `says so. Where Rollgate reads a cluster (lint --cluster, the dry run of the server), the fields are those of the ` +
    `installed CustomResourceDefinitions. Elsewhere they are those of the newest versions that Rollgate knows: ` +
    `${Object.values(NEWEST_KNOWN).join(', ')}. An unknown field is only advice, because a newer version may have it. ` +
    'Metadata and free-form settings, such as those of plugins, are not checked.',
  messages: MESSAGES,
  check({ sources, inspect }, report) {
    for (const source of sources) {
      const inspection = inspect(source);
      if (inspection === undefined || inspection === 'too large' || UNCHECKED.has(inspection.schema.kind)) continue;
      for (const unknown of unknownIn(inspection).slice(0, MAX_FINDINGS))
        reportField(report, source, inspection, unknown);
    }
  },
});

interface UnknownField {
  readonly visited: Place;
  readonly field: string;
}

function reportField(
  report: ReportDocument<typeof MESSAGES>,
  source: SourceObject,
  inspection: Inspection,
  { visited, field }: UnknownField,
): void {
  const { schema } = inspection;
  const isInstalled = inspection.installed !== undefined;
  const newest = NEWEST_KNOWN[schema.apiVersion.split('/')[0] ?? ''];
  const title = titleOf(schema, newest, isInstalled);
  const path = [...visited.path, field];
  const at = { source, path, anchor: path.filter((part) => typeof part === 'string').join('.') };
  const about = { field, place: visited.path.length === 0 ? `the ${schema.kind}` : renderPath(visited.path) };
  if (isInstalled && newest !== undefined && isInNewest(schema, path, field)) {
    report('newer', { ...at, data: { ...about, newest } });
    return;
  }
  const { near, here, related } = meantBy(inspection, visited, field);
  if (near !== undefined) report('misspelt', { ...at, data: { ...about, near, schema: title } });
  else if (here.length > 0) report('misplaced', { ...at, data: { ...about, places: here.join(' or ') } });
  else if (related !== undefined)
    report('elsewhere', { ...at, data: { ...about, places: related.place, kind: related.kind } });
  else report(isInstalled ? 'notInstalled' : 'unknown', { ...at, data: { ...about, schema: title } });
}

interface Meant {
  /** A field beside it. */
  readonly near?: string;
  /** Other places of the kind that have the field. */
  readonly here: readonly string[];
  readonly related?: ReturnType<typeof relatedPlace>;
}

function meantBy(inspection: Inspection, visited: Place, field: string): Meant {
  const { schema } = inspection;
  const index = fieldIndexOf(inspection);
  const newer = inspection.installed === undefined ? newerFieldsAt(schema.kind, visited.path) : [];
  const near =
    nearest(field, [...visited.known, ...newer]) ?? siblingOf(visited, field, index) ?? longerNameOf(visited, field);
  if (near !== undefined) return { near, here: [] };
  if (visited.path.length === 0 && OF_METADATA.has(field)) return { here: ['metadata'] };
  if (GENERAL.has(field)) return { here: [] };
  const here = placesFor(visited, field, schema.kind, index);
  // In a pod template a field of a pod is meant, wherever else there is one of that name.
  const isOfPod = visited.path.includes('template');
  return { here, related: here.length === 0 && !isOfPod ? relatedPlace(field, schema) : undefined };
}

const OF_METADATA: ReadonlySet<string> = new Set(['annotations', 'labels', 'name', 'namespace']);

// They say something about what holds them, and nothing elsewhere.
const GENERAL: ReadonlySet<string> = new Set(['key', 'kind', 'name', 'type', 'value']);

/** The part of {@link Visited} that both sources of fields have. */
type Place = Pick<Visited, 'path' | 'value' | 'known'>;

function unknownIn(inspection: Inspection): UnknownField[] {
  const { installed, object, schema } = inspection;
  const places: readonly Place[] = installed === undefined ? inspection.visited : limitedObjects(installed, object);
  return places.filter(isChecked).flatMap((place) =>
    Object.keys(place.value)
      .filter(
        (field) =>
          !place.known.has(field) && (installed !== undefined || !isNewerField(schema.kind, [...place.path, field])),
      )
      .map((field) => ({ visited: place, field })),
  );
}

function titleOf({ title }: Schema, newest: string | undefined, isInstalled: boolean): string {
  if (isInstalled) return 'the installed CustomResourceDefinition';
  return newest === undefined ? title : `${newest}, the newest that Rollgate knows`;
}

function isInNewest({ kind, ...schema }: Schema, path: Path, field: string): boolean {
  const place = placeOf(path.slice(0, -1));
  return isNewerField(kind, path) || (fieldsOf({ ...schema, kind }).get(field) ?? []).includes(place);
}

function fieldIndexOf({ installed, schema }: Inspection): FieldIndex {
  return installed === undefined ? fieldsOf(schema) : fieldsOfInstalled(installed);
}

// Only their types are checked: which fields they have depends mostly on the version of the cluster.
const UNCHECKED: ReadonlySet<string> = new Set(['Deployment', 'Ingress']);

function isChecked({ path, known }: Place): boolean {
  return known.size > 0 && !path.includes('metadata') && path[0] !== 'status';
}

// A field that exists in more places than this, such as `name`, does not show which place was meant.
const MAX_PLACES = 6;
const MAX_NAMED_PLACES = 2;

function placesFor({ path, value }: Place, field: string, kind: string, index: FieldIndex): string[] {
  const all = index.get(field) ?? [];
  if (all.length > MAX_PLACES) return [];
  const keys = keysOf(value[field]);
  // The same name may stand for something else there, such as a text in place of an object.
  const places = all.filter(
    (place) =>
      (keys.length === 0 || keys.some((key) => isIn(key, below(place, field), index))) &&
      !isOfOtherProvider(place, path, value),
  );
  const wanted = segments(path.map((part) => (typeof part === 'number' ? '[]' : part)).join('.'));
  const shared = (place: string): number => {
    const own = segments(place);
    const split = own.findIndex((segment, index) => segment !== wanted[index]);
    return split < 0 ? own.length : split;
  };
  // Fields are indented too far more often than they are meant for a neighbour, such as another provider.
  const around = places.filter((place) => shared(place) === segments(place).length);
  const nearestFirst = (around.length > 0 ? around : places).toSorted(
    (a, b) => shared(b) - shared(a) || segments(a).length - segments(b).length || (a < b ? -1 : 1),
  );
  return nearestFirst.slice(0, MAX_NAMED_PLACES).map((place) => (place === '' ? `the ${kind} itself` : place));
}

// A metric has one provider. Many fields of the others have the same names.
function isOfOtherProvider(place: string, path: Path, value: JsonObject): boolean {
  const [, provider] = /\bprovider\.(\w+)/.exec(place) ?? [];
  if (provider === undefined) return false;
  const within = path.indexOf('provider');
  return within < 0 ? !Object.hasOwn(asObject(value['provider']), provider) : path[within + 1] !== provider;
}

// The one field beside it that has all that it contains: `ingress: {stableIngress}` is meant to be `nginx`.
function siblingOf({ path, value, known }: Place, field: string, index: FieldIndex): string | undefined {
  const keys = keysOf(value[field]);
  if (keys.length === 0) return undefined;
  const here = placeOf(path);
  const [sibling, second] = [...known].filter((name) => keys.every((key) => isIn(key, below(here, name), index)));
  return second === undefined ? sibling : undefined;
}

// Shorter ones are parts of too many names.
const MIN_PART = 5;

// The one field beside it whose name has this one in it: `ingress` in `nginx` is meant to be `stableIngress`.
function longerNameOf({ value, known }: Place, field: string): string | undefined {
  const part = field.toLowerCase();
  const word = [...known].filter((name) => !Object.hasOwn(value, name) && name.endsWith(capitalized(field)));
  if (word.length === 1) return word[0];
  if (part.length < MIN_PART) return undefined;
  const longer = [...known].filter((name) => !Object.hasOwn(value, name) && name.toLowerCase().includes(part));
  const atTheEnd = longer.filter((name) => name.toLowerCase().endsWith(part));
  const [one, second] = atTheEnd.length > 0 ? atTheEnd : longer;
  return second === undefined ? one : undefined;
}

function capitalized(word: string): string {
  return word.slice(0, 1).toUpperCase() + word.slice(1);
}

function keysOf(value: unknown): string[] {
  return isObject(value) ? Object.keys(value).slice(0, MAX_KEYS) : [];
}

// Bounds the cost.
const MAX_KEYS = 20;

function isIn(field: string, place: string, index: FieldIndex): boolean {
  return (index.get(field) ?? []).includes(place);
}

function below(place: string, field: string): string {
  return place === '' ? field : `${place}.${field}`;
}

function segments(place: string): string[] {
  return place
    .replaceAll('[]', '.[]')
    .split('.')
    .filter((segment) => segment !== '');
}

// Kinds whose fields people confuse.
const RELATED: Readonly<Record<string, readonly string[]>> = {
  Rollout: ['AnalysisTemplate'],
  Experiment: ['AnalysisTemplate'],
  VirtualService: ['DestinationRule'],
  DestinationRule: ['VirtualService'],
};

function relatedPlace(
  field: string,
  { apiVersion, kind }: Schema,
): { readonly kind: string; readonly place: string } | undefined {
  for (const other of RELATED[kind] ?? []) {
    const schema = schemaOf(apiVersion, other);
    const places = schema === undefined ? [] : (fieldsOf(schema).get(field) ?? []);
    const [first] = places.toSorted((a, b) => segments(a).length - segments(b).length || (a < b ? -1 : 1));
    if (first !== undefined && first !== '' && places.length <= MAX_PLACES) return { kind: other, place: first };
  }
  return undefined;
}
