import { expect, it } from 'vitest';
import { addedFields, newerThan } from '../scripts/newer-versions.ts';

it('finds the newer releases, the oldest first, and no release candidates', () => {
  const versions = ['v1.9.3', 'v1.10.2', 'v1.10.0', 'v1.11.0-rc1', 'v1.10.1', 'v2.0.0+incompatible', 'nonsense'];
  expect(newerThan('v1.9.3', versions)).toEqual(['v1.10.0', 'v1.10.1', 'v1.10.2']);
  expect(newerThan('v1.10.2', versions)).toEqual([]);
  expect(() => newerThan('latest', versions)).toThrow('latest is not a release');
});

it('finds the fields that newer definitions add', () => {
  const STRING = { type: 'string' };
  const definition = (fields: readonly string[]): unknown => {
    const items = { type: 'object', properties: Object.fromEntries(fields.map((field) => [field, STRING])) };
    const spec = { type: 'object', properties: { http: { type: 'array', items } } };
    const schema = {
      openAPIV3Schema: {
        type: 'object',
        properties: { spec, status: { type: 'object', properties: { new: STRING } } },
      },
    };
    return {
      spec: { group: 'a.example', names: { kind: 'Route' }, versions: [{ name: 'v1', served: true, schema }] },
    };
  };
  const before = [definition(['match', 'gone'])];
  expect(addedFields(before, [definition(['timeout', 'match', 'retries'])])).toEqual([
    'Route spec.http[].retries',
    'Route spec.http[].timeout',
  ]);
  expect(addedFields(before, before)).toEqual([]);
});
