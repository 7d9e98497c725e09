import { describe, expect, it } from 'vitest';
import { valuesIn, valuesOf } from './values.ts';

describe('valuesIn', () => {
  it('counts mappings, lists and what is in them', () => {
    expect(valuesIn('text', 100)).toBe(1);
    expect(valuesIn(null, 100)).toBe(1);
    expect(valuesIn([], 100)).toBe(1);
    expect(valuesIn('x'.repeat(80), 100)).toBe(6);
    expect(valuesIn('x'.repeat(800_000), 1_000)).toBe(501);
    expect(valuesIn({ a: [1, { b: null }], c: {} }, 100)).toBe(6);
  });

  it('counts the keys of a mapping more than items of a list, if there are more than any real mapping has', () => {
    const mapping = (keys: number): unknown => Object.fromEntries(Array.from({ length: keys }, (_, i) => [`k${i}`, 0]));
    expect(valuesIn(mapping(1_000), 1_000_000)).toBe(1_001);
    expect(valuesIn(mapping(2_000), 1_000_000)).toBe(11_001);
    expect(valuesIn([mapping(1_000), mapping(1_000)], 1_000_000)).toBe(2_003);
  });

  it('ends above the limit', () => {
    let read = 0;
    const list = Array.from({ length: 1_000 }, () =>
      Object.defineProperty({}, 'a', { enumerable: true, get: () => ++read }),
    );
    expect(valuesIn(list, 10)).toBeGreaterThan(10);
    expect(read).toBeLessThan(10);
  });
});

describe('valuesOf', () => {
  const object = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'web', namespace: 'shop' } };
  const many = Array.from({ length: 1_000 }, () => 0);

  it('counts many labels as it counts any mapping', () => {
    const labels = Object.fromEntries(Array.from({ length: 2_000 }, (_, i) => [`k${i}`, '']));
    expect(valuesOf({ ...object, metadata: { ...object.metadata, labels } })).toBeGreaterThan(11_000);
  });

  it('counts what rules read, labels and annotations', () => {
    expect(valuesOf({ ...object, spec: many })).toBeGreaterThan(1_000);
    expect(valuesOf({ ...object, data: many })).toBeGreaterThan(1_000);
    for (const field of ['labels', 'annotations'])
      expect(valuesOf({ ...object, metadata: { ...object.metadata, [field]: { ...many } } })).toBeGreaterThan(1_000);
  });

  it('does not count what the API server and the controller write', () => {
    const managedFields = many;
    expect(valuesOf({ ...object, metadata: { ...object.metadata, managedFields }, status: { many } })).toBeLessThan(10);
    const annotations = { 'kubectl.kubernetes.io/last-applied-configuration': 'x'.repeat(200_000) };
    expect(valuesOf({ ...object, metadata: { ...object.metadata, annotations } })).toBeLessThan(10);
  });
});
