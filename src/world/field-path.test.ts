import { describe, expect, it } from 'vitest';
import { hasValueAt, isMetadataPath, sectionsOf } from './field-path.ts';

describe('isMetadataPath', () => {
  it.each(['metadata.name', 'metadata.namespace', 'metadata.uid', 'metadata.labels', 'metadata.annotations', "metadata.labels['app']", "metadata.labels['example.org/app']", "metadata.annotations['Example.org/Team']"])(
    'takes %j',
    (path) => {
      expect(isMetadataPath(path)).toBe(true);
    },
  );

  it.each(['metadata', 'metadata.generation', 'metadata.labels.app', 'metadata.labels[app]', "metadata.labels['']", "metadata.labels['a b']", "metadata.labels['a']['b']", "metadata.name['x']", "metadata.labels['Example.org/app']", 'metadataname'])(
    'does not take %j',
    (path) => {
      expect(isMetadataPath(path)).toBe(false);
    },
  );
});

describe('hasValueAt', () => {
  const value = { a: { 'b.c': 1, d: [{ e: '' }, null], f: false, g: 0 } };

  it.each(['a.d[0].e', 'a.f', 'a.g', '.a..f.', 'a.d.0.e', 'a.d[+0].e'])('finds %j', (path) => {
    expect(hasValueAt(value, sectionsOf(path))).toBe(true);
  });

  it.each(['', 'a', 'a.d', 'a.d[0]', 'a.d[1]', 'a.d[2].e', 'a.d[-1].e', 'a.d.x', 'a.b.c', "a['f']", 'a.f.g', 'a.constructor.name', 'x.y'])('does not find %j', (path) => {
    expect(hasValueAt(value, sectionsOf(path))).toBe(false);
  });
});
