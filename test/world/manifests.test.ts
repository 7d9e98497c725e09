import { describe, expect, it } from 'vitest';
import { parseManifests } from '../../src/world/manifests.ts';
import { dig } from '../../src/world/read.ts';

describe('numbers in manifests', () => {
  it.each([
    ['0644', 420],
    ['-010', -8],
    ['0o644', 420],
    ['644', 644],
    ['0', 0],
    ['0.5', 0.5],
    ['"0644"', '0644'],
    ['089', 89],
  ])('%s is read as kubectl reads it', (written, read) => {
    const { objects } = parseManifests(
      `{ apiVersion: v1, kind: ConfigMap, metadata: { name: modes }, mode: ${written} }`,
      '',
    );
    expect(dig(objects[0]?.object, 'mode')).toBe(read);
  });
});

describe('JSON objects one after the other', () => {
  const object = (name: string, text = ''): string =>
    JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { text } });

  it('are a stream, each with its own positions', () => {
    const { objects, errors } = parseManifests(`${object('a', '"}{')}\n\n  ${object('b')}${object('c')}\n`, '');
    expect(errors).toEqual([]);
    expect(objects.map(({ object: { metadata }, document }) => `${document} ${metadata.name}`)).toEqual([
      '0 a',
      '1 b',
      '2 c',
    ]);
    expect(objects[1]?.position(['metadata', 'name'])).toEqual({ line: 3, column: 53 });
  });

  it.each(['{"a": 1} b: 2', `${object('a')}\n{`, `${object('a')}\n[]`, `${object('a')},\n${object('b')}`])(
    'are a mistake if something else is between or behind them: %s',
    (text) => {
      expect(parseManifests(text, '').errors).not.toEqual([]);
    },
  );
});

it('a quoted text whose other lines are not indented is an error that says what to do, also where kubectl accepts it', () => {
  const manifest = (indent: string): string => `apiVersion: v1
kind: ConfigMap
metadata: { name: notes }
data:
  text: 'one
${indent}two'
`;
  expect(parseManifests(manifest('    '), '').errors).toEqual([]);
  expect(parseManifests(manifest(' '), '').errors).toMatchObject([
    { line: 5, message: 'a quoted text does not end: close it, or indent its other lines more than the key' },
  ]);
});

it.each(['---\n}\n', '--- ]\n', '---\n# b\n}\n]\n', '...\n}\n'])(
  'a mistake at the beginning of a document is one of that document: %j',
  (mark) => {
    const service = (name: string): string => `apiVersion: v1\nkind: Service\nmetadata: { name: ${name} }\n`;
    const text = `${service('a')}${mark}${service('b')}---\n${service('c')}`;
    const { objects, errors } = parseManifests(text, 'a.yaml');
    expect(objects.map(({ object }) => object.metadata.name)).toEqual(['a', 'c']);
    const before = service('a') + mark.slice(0, mark.search(/[}\]]/));
    expect(errors).toMatchObject([{ line: before.split('\n').length }]);
  },
);

it('lines are counted behind a mistake, and in it', () => {
  const { objects, errors } = parseManifests('"a"b\n---\nkind: A\napiVersion: v1\nmetadata: { name: a }\n', 'a.yaml');
  expect(errors).toMatchObject([{ line: 1 }]);
  expect(objects.map(({ position }) => position(['metadata']).line)).toEqual([5]);
});

it.each([
  ['argoproj.io/v1alpha1', 'rollout', 'Rollout'],
  ['argoproj.io/v1alpha1', 'Rollouts', 'Rollout'],
  ['argoproj.io/v1alpha1', 'Analysistemplate', 'AnalysisTemplate'],
  ['networking.istio.io/v1', 'virtualServices', 'VirtualService'],
  ['v1', 'service', 'Service'],
])('%s has no kind %s', (apiVersion, kind, exact) => {
  const text = `apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata: { name: cart }\n`;
  expect(parseManifests(text, '')).toMatchObject({
    objects: [],
    errors: [{ line: 2, message: `no API server knows kind "${kind}": write ${exact}` }],
  });
});

it.each([
  ['serving.knative.dev/v1', 'service'],
  ['argoproj.io/v1alpha1', 'Application'],
  ['v1', 'Endpoints'],
])('a kind of others is not compared: %s %s', (apiVersion, kind) => {
  const text = `apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata: { name: cart }\n`;
  expect(parseManifests(text, '')).toMatchObject({ objects: [{ object: { kind } }], errors: [] });
});
