import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import prettier from 'prettier';
import { inspect, schemas, type Schema } from '../src/documents/models.ts';
import { placeOf } from '../src/documents/newer-fields.ts';
import { asArray, asString, asObject, dig, isObject } from '../src/world/read.ts';
import { definitionsIn, DEFINITION_SOURCES } from './upstream-definitions.ts';

// Writes two lists, or checks them with --check: the fields of the newest custom resource definitions that the compiled
// schemas lack, and all fields of the metric of an analysis template.
const ROOT = join(import.meta.dirname, '..');

const definitions = new Map<string, unknown>();
for (const source of DEFINITION_SOURCES) {
  for (const definition of definitionsIn(source, source.version)) {
    const [group, kind] = [dig(definition, 'spec', 'group'), dig(definition, 'spec', 'names', 'kind')].map(asString);
    for (const version of asArray(dig(definition, 'spec', 'versions')))
      definitions.set(`${group}/${asString(dig(version, 'name'))}/${kind}`, dig(version, 'schema', 'openAPIV3Schema'));
  }
}

const newer: Record<string, Set<string>> = {};
for (const schema of schemas().filter(({ custom }) => custom)) {
  const definition = definitions.get(`${schema.apiVersion}/${schema.kind}`);
  if (definition === undefined) continue;
  for (const place of newerIn(schema, definition)) (newer[schema.kind] ??= new Set()).add(place);
}
const sorted = Object.fromEntries(
  Object.keys(newer)
    .toSorted()
    .map((kind) => [kind, [...(newer[kind] ?? [])].toSorted()]),
);
const minorOf = (version: string): string => version.replace(/^v/, '').split('.').slice(0, 2).join('.');
const titles = DEFINITION_SOURCES.map(({ group, title, version }) => [group, `${title} ${minorOf(version)}`]);
const newerFields = `/** Written by \`npm run newer-fields\`. Do not edit. */
export const NEWER_FIELDS: Readonly<Record<string, readonly string[]>> = ${JSON.stringify(sorted)};

/** The newest known version of each group, for messages. */
export const NEWEST_KNOWN: Readonly<Record<string, string>> = ${JSON.stringify(Object.fromEntries(titles))};
`;

const METRIC = ['properties', 'spec', 'properties', 'metrics', 'items'];
const metric = fieldText(dig(definitions.get('argoproj.io/v1alpha1/AnalysisTemplate'), ...METRIC));
const metricFields = `/**
 * The fields that the API server keeps in a metric of an analysis template, each with the fields in it in braces. Written
 * by \`npm run newer-fields\`. Do not edit.
 */
export const METRIC_FIELDS: string = ${JSON.stringify(metric.match(/.{1,108}(?: |$)/g))}.join('');
`;

await write('src/documents/newer-field-list.ts', newerFields);
await write('src/world/metric-field-list.ts', metricFields);

async function write(file: string, content: string): Promise<void> {
  const target = join(ROOT, file);
  const options = await prettier.resolveConfig(target);
  const formatted = await prettier.format(content, { ...options, filepath: target });
  if (!process.argv.includes('--check')) writeFileSync(target, formatted);
  else if (readFileSync(target, 'utf8') !== formatted) {
    console.error(`${file} is not up to date: run npm run newer-fields`);
    process.exitCode = 1;
  }
}

/** Returns the fields of a schema as text. What is in a map, or in an object that keeps all fields, is left out. */
function fieldText(schema: unknown): string {
  if (dig(schema, 'x-kubernetes-preserve-unknown-fields') === true) return '';
  const [properties, items] = [dig(schema, 'properties'), dig(schema, 'items')];
  if (!isObject(properties)) return items === undefined ? '' : fieldText(items);
  const fields = Object.entries(properties).map(([name, field]) => {
    const inner = fieldText(field);
    return inner === '' ? name : `${name} { ${inner} }`;
  });
  return fields.join(' ');
}

/** Returns the places of the fields that a definition has and a compiled schema lacks. */
function newerIn(schema: Schema, definition: unknown): string[] {
  const value = { ...asObject(exampleOf(definition)), apiVersion: schema.apiVersion, kind: schema.kind };
  const inspection = inspect(schema, value);
  if (inspection === undefined) throw new Error(`the example of ${schema.kind} has too many values`);
  return inspection.visited
    .filter(({ path, known }) => known.size > 0 && path[0] === 'spec')
    .flatMap(({ path, value: fields, known }) =>
      Object.keys(fields)
        .filter((field) => !known.has(field))
        .map((field) => placeOf([...path, field])),
    );
}

/** Returns a value with every field of a schema except those of pods. */
function exampleOf(schema: unknown): unknown {
  const properties = dig(schema, 'properties');
  if (isObject(properties)) {
    const isPod = 'containers' in properties && 'initContainers' in properties;
    return isPod
      ? {}
      : Object.fromEntries(
          Object.entries(properties)
            .filter(([field]) => field !== 'status' && field !== 'metadata')
            .map(([field, inner]) => [field, exampleOf(inner)]),
        );
  }
  const items = dig(schema, 'items');
  if (items !== undefined) return [exampleOf(items)];
  return dig(schema, 'type') === 'object' ? {} : 'x';
}
