import { describe, expect, it } from 'vitest';
import { fieldsOfDefinition, limitedObjects, type FieldTree } from './field-tree.ts';
import type { JsonObject } from './read.ts';

function definition(properties: JsonObject, more: JsonObject = {}): JsonObject {
  return {
    spec: {
      group: 'example.com',
      names: { kind: 'Thing' },
      versions: [
        { name: 'v1', served: true, schema: { openAPIV3Schema: { type: 'object', properties } }, ...more },
        { name: 'v0', served: false, schema: { openAPIV3Schema: { type: 'object', properties } } },
      ],
    },
  };
}

function treeOf(properties: JsonObject): FieldTree {
  const tree = fieldsOfDefinition(definition(properties)).get('example.com/v1/Thing');
  if (tree === undefined) throw new Error('no tree');
  return tree;
}

const STRING = { type: 'string' };
const POINT = { type: 'object', properties: { x: STRING, y: STRING } };

describe('the fields of a CustomResourceDefinition', () => {
  it('are those of the served versions that have a schema', () => {
    expect([...fieldsOfDefinition(definition({ spec: POINT })).keys()]).toEqual(['example.com/v1/Thing']);
    expect(fieldsOfDefinition(definition({}, { schema: {} })).size).toBe(0);
    for (const nonsense of [undefined, null, 1, [], { spec: { versions: [null, { served: true }] } }])
      expect(fieldsOfDefinition(nonsense).size).toBe(0);
  });

  it('contain those that every resource has, which the definitions of Istio leave out', () => {
    const tree = treeOf({
      spec: POINT,
      template: { type: 'object', 'x-kubernetes-embedded-resource': true, properties: { spec: POINT } },
    });
    const resource = { apiVersion: 'example.com/v1', kind: 'Thing', metadata: {} };
    const unknown = limitedObjects(tree, {
      ...resource,
      template: { ...resource, status: {} },
      spec: resource,
    }).flatMap(({ path, value, known }) =>
      Object.keys(value).flatMap((name) => (known.has(name) ? [] : [[...path, name]])),
    );
    expect(unknown).toEqual([
      ['template', 'status'],
      ['spec', 'apiVersion'],
      ['spec', 'kind'],
      ['spec', 'metadata'],
    ]);
  });

  it('are kept once where they are the same', () => {
    const tree = treeOf({ a: POINT, b: { type: 'array', items: POINT } });
    expect(tree.fields?.get('b')?.items).toBe(tree.fields?.get('a'));
  });

  it('are refused if there are too many, or too deep', () => {
    const wide = Object.fromEntries(Array.from({ length: 10_001 }, (_, index) => [`f${index}`, STRING]));
    expect(() => treeOf(wide)).toThrow(RangeError);
    let deep: JsonObject = STRING;
    for (let level = 0; level < 70; level++) deep = { type: 'object', properties: { a: deep } };
    expect(() => treeOf({ deep })).toThrow(RangeError);
  });
});

describe('the objects whose fields a schema limits', () => {
  const tree = treeOf({
    spec: {
      type: 'object',
      properties: {
        points: { type: 'array', items: POINT },
        byName: { type: 'object', additionalProperties: POINT },
        labels: { type: 'object', additionalProperties: STRING },
        anything: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
        half: { type: 'object', properties: { inner: POINT }, 'x-kubernetes-preserve-unknown-fields': true },
      },
    },
  });
  const unknown = (spec: unknown): string[] =>
    limitedObjects(tree, { spec }).flatMap(({ path, value, known }) =>
      Object.keys(value)
        .filter((field) => !known.has(field))
        .map((field) => [...path, field].join('.')),
    );

  it('are found in lists, in maps, and below places that keep other fields', () => {
    expect(unknown({ points: [{ x: 1 }, { z: 1 }] })).toEqual(['spec.points.1.z']);
    expect(unknown({ byName: { __proto__x: { z: 1 }, b: { y: 1 } } })).toEqual(['spec.byName.__proto__x.z']);
    expect(unknown({ half: { other: { z: 1 }, inner: { z: 1 } } })).toEqual(['spec.half.inner.z']);
  });

  it('are not maps, and nothing that keeps all fields', () => {
    expect(unknown({ labels: { a: 'b' }, anything: { a: { b: 1 } } })).toEqual([]);
  });

  it('do not include values of another type than the schema has', () => {
    expect(unknown({ points: { z: 1 }, byName: [{ z: 1 }], labels: 'x' })).toEqual([]);
    expect(unknown([{ z: 1 }])).toEqual([]);
  });
});
