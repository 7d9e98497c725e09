import { nearest } from '../world/nearest.ts';
import { renderPath, type Path } from '../world/path.ts';
import { defineDocumentCheck, MAX_FINDINGS } from './define.ts';
import { fieldsOf } from './fields.ts';
import { isNewerField, newerFieldsAt } from './newer-fields.ts';
import { schemaOf, type Schema, type Visited } from './models.ts';

/** Reports fields that the schema of their kind does not have. */
export const unknownField = defineDocumentCheck({
  id: 'unknown-field',
  summary:
    'Rollouts, analyses, experiments, VirtualServices, DestinationRules, Gateway API routes and Services have only fields that exist.',
  explanation:
    'kubectl rejects an unknown field (strict validation is its default since 1.25). Helm, Argo CD and most other ' +
    'clients do not, and the API server then silently drops the field. The setting has no effect, and no message ' +
    'says so. Rollgate checks against the schemas of Argo Rollouts 1.9, Istio 1.29 and Gateway API 1.5, and the ' +
    'fields that Argo Rollouts 1.10, Istio 1.32 and Gateway API 1.6 add. An unknown field is only advice, because a newer version may have it. ' +
    'Metadata and free-form settings, such as those of plugins, are not checked.',
  messages: {
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
  },
  check({ sources, inspect }, report) {
    for (const source of sources) {
      const inspection = inspect(source);
      if (inspection === undefined || inspection === 'too large' || UNCHECKED.has(inspection.schema.kind)) continue;
      const { schema } = inspection;
      for (const { visited, field } of unknownIn(inspection.visited, schema.kind).slice(0, MAX_FINDINGS)) {
        const path = [...visited.path, field];
        const at = { source, path, anchor: path.filter((part) => typeof part === 'string').join('.') };
        const about = { field, place: visited.path.length === 0 ? `the ${schema.kind}` : renderPath(visited.path) };
        const near = nearest(field, [...visited.known, ...newerFieldsAt(schema.kind, visited.path)]);
        const here = near === undefined ? placesFor(field, schema, visited.path) : [];
        const related = near === undefined && here.length === 0 ? relatedPlace(field, schema) : undefined;
        if (near !== undefined) report('misspelt', { ...at, data: { ...about, near, schema: schema.title } });
        else if (here.length > 0) report('misplaced', { ...at, data: { ...about, places: here.join(' or ') } });
        else if (related !== undefined)
          report('elsewhere', { ...at, data: { ...about, places: related.place, kind: related.kind } });
        else report('unknown', { ...at, data: { ...about, schema: schema.title } });
      }
    }
  },
});

function unknownIn(visited: readonly Visited[], kind: string): { readonly visited: Visited; readonly field: string }[] {
  return visited.filter(isChecked).flatMap((place) =>
    Object.keys(place.value)
      .filter((field) => !place.known.has(field) && !isNewerField(kind, [...place.path, field]))
      .map((field) => ({ visited: place, field })),
  );
}

// Only their types are checked: which fields they have depends mostly on the version of the cluster.
const UNCHECKED: ReadonlySet<string> = new Set(['Deployment', 'Ingress']);

function isChecked({ path, known }: Visited): boolean {
  return known.size > 0 && !path.includes('metadata') && path[0] !== 'status';
}

// A field that exists in more places than this, such as `name`, does not show which place was meant.
const MAX_PLACES = 6;
const MAX_NAMED_PLACES = 2;

function placesFor(field: string, schema: Schema, path: Path): string[] {
  const places = fieldsOf(schema).get(field) ?? [];
  if (places.length > MAX_PLACES) return [];
  const wanted = segments(path.map((part) => (typeof part === 'number' ? '[]' : part)).join('.'));
  const shared = (place: string): number => {
    const own = segments(place);
    const split = own.findIndex((segment, index) => segment !== wanted[index]);
    return split < 0 ? own.length : split;
  };
  const nearestFirst = places.toSorted(
    (a, b) => shared(b) - shared(a) || segments(a).length - segments(b).length || (a < b ? -1 : 1),
  );
  return nearestFirst.slice(0, MAX_NAMED_PLACES).map((place) => (place === '' ? `the ${schema.kind} itself` : place));
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
