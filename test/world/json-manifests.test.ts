import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseManifests, type Manifests } from '../../src/world/manifests.ts';
import { parseJsonDocument } from '../../src/world/json-document.ts';
import type { Path } from '../../src/world/path.ts';
import { isObject } from '../../src/world/read.ts';

// A text that is JSON is read without the parser of YAML. Both must find the same, at the same places.

function pathsIn(value: unknown, path: Path = []): Path[] {
  const inside = Array.isArray(value)
    ? value.flatMap((entry, index) => pathsIn(entry, [...path, index]))
    : isObject(value)
      ? Object.entries(value).flatMap(([key, entry]) => pathsIn(entry, [...path, key]))
      : [];
  return [path, [...path, 'absent'], [...path, 0], ...inside];
}

function found({ objects, errors, duplicateKeys }: Manifests): unknown {
  return {
    objects: objects.map(({ object, position, ...rest }) => ({
      ...rest,
      text: JSON.stringify(object),
      positions: pathsIn(object).map((path) => position(path)),
    })),
    errors,
    duplicateKeys: duplicateKeys.map(({ object, ...rest }) => ({
      ...rest,
      holder: objects.findIndex((source) => source.object === object),
    })),
  };
}

const space = fc.constantFrom('', '', ' ', '\n', '\t', '\r\n', '  \n ');
const key = fc.oneof(
  fc.constantFrom('a', 'b', 'kind', 'items', '<<', '__proto__', '0', '1', '', 'a\\u0062', '\\"', '\\/', '\\\\'),
  fc.string({ maxLength: 5 }).map((text) => JSON.stringify(text).slice(1, -1)),
);
const scalar = fc.oneof(
  fc.integer().map(String),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => JSON.stringify(value)),
  fc.constantFrom('-0', '1.0', '1', '1E+5', '12345678901234567890123', '1e999', 'true', 'false', 'null'),
  fc.string({ maxLength: 6 }).map((text) => JSON.stringify(text)),
  fc.constantFrom('"\\ud83d\\ude00"', '"\\ud800"', '"a\\/b\\f"', '"0644"', '"# x"', '": "', '"- a"', '"*a"', '"&a"'),
);
const { value } = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    scalar,
    fc
      .array(fc.tuple(space, tie('value'), space), { maxLength: 4 })
      .map((items) => `[${items.map((item) => item.join('')).join(',')}]`),
    fc
      .array(fc.tuple(space, key, space, space, tie('value'), space), { maxLength: 5 })
      .map((entries) => `{${entries.map(([a, name, b, c, one, d]) => `${a}"${name}"${b}:${c}${one}${d}`).join(',')}}`),
  ),
}));
const manifest = fc
  .tuple(space, fc.array(fc.tuple(space, key, space, value, space), { maxLength: 5 }), space, fc.boolean())
  .map(([before, fields, after, isList]) => {
    const rest = fields.map(([a, name, b, one, c]) => `,${a}"${name}"${b}:${one}${c}`).join('');
    const object = `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"x"}${rest}}`;
    return `${before}${isList ? `{"apiVersion":"v1","kind":"List","items":[${object},${object}]}` : object}${after}`;
  });

describe('manifests as JSON', () => {
  it('are read as the parser of YAML reads them', () => {
    fc.assert(
      fc.property(manifest, (text) => {
        // With a comment it is YAML.
        expect(found(parseManifests(text, 'a.json'))).toEqual(found(parseManifests(`${text}\n# YAML`, 'a.json')));
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    ['an object', '{"a": [1, {"b": "c"}]}', true],
    ['a list', '\n [{}]\n', true],
    ['a comment', '{} # a', false],
    ['two objects', '{}\n{}', false],
    ['a number', '1', false],
    ['lines that end as on old Macs', '{\r}', false],
    ['an escaped key', '{"\\u0061": 1}', false],
    ['more levels than manifests have', '[[[[[]]]]]', false],
  ])('%s: read as JSON, or left to the parser of YAML', (_, text, isJson) => {
    expect(parseJsonDocument(text, 3) !== undefined).toBe(isJson);
  });
});

describe('positions in YAML', () => {
  const text = `apiVersion: v1
kind: ConfigMap
metadata: {name: x}
base: &base
  list: [a, b]
? {complex: &inside {deep: 1}}
: value
copy: *base
again: *inside
merged:
  <<: *base
  own: 1
  own: 2
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: second
`;
  const { objects, duplicateKeys, errors } = parseManifests(text, 'a.yaml');
  it.each([
    [[], 1, 1],
    [['metadata', 'name'], 3, 12],
    [['base', 'list', 1], 5, 13],
    [['base', 'list', 2], 5, 3],
    // What an alias names is where it was written.
    [['copy', 'list', 0], 5, 10],
    [['again', 'deep'], 6, 22],
    [['merged', 'own'], 13, 3],
    [['merged', 'list'], 10, 1],
    [['absent', 'deeper'], 1, 1],
  ])('%j is at %i:%i', (path, line, column) => {
    expect(errors).toEqual([]);
    expect(objects[0]?.position(path)).toEqual({ line, column });
  });

  it('count the lines of all documents', () => {
    expect(objects[1]?.position(['metadata', 'name'])).toEqual({ line: 18, column: 3 });
    expect(objects[1]?.document).toBe(1);
  });

  it('of repeated keys are those of both', () => {
    expect(duplicateKeys).toMatchObject([
      { path: ['merged', 'own'], first: { line: 12, column: 3 }, line: 13, column: 3, same: false },
    ]);
  });
});

describe('a JSON text that costs more than its length', () => {
  const nested = (levels: number): string => '{"b":1,"b":'.repeat(levels) + '1' + '}'.repeat(levels);

  it('is left to the YAML parser if it is nested too deeply, also where a later key takes its place', () => {
    expect(parseJsonDocument(`{"a":${nested(199)},"a":1}`, 200)).toBeDefined();
    expect(parseJsonDocument(`{"a":${nested(300)},"a":1}`, 200)).toBeUndefined();
  });

  it('is left to the YAML parser if it repeats keys without end', () => {
    const repeated = (times: number): string => `{"a":"x"${',"a":1'.repeat(times)}}`;
    expect(parseJsonDocument(repeated(1_000), 200)?.repeated).toHaveLength(1_000);
    expect(parseJsonDocument(repeated(2_000), 200)).toBeUndefined();
  });
});
