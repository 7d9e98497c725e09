import { describe, expect, it } from 'vitest';
import { parseManifests } from './manifests.ts';

function parsed(data: string): ReturnType<typeof parseManifests> {
  const text = `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: notes }\ndata:\n${data}  last: z\n`;
  return parseManifests(text, '');
}

function read(data: string): unknown {
  const { objects, errors } = parsed(data);
  return errors.length > 0 ? errors : objects[0]?.object['data'];
}

// What sigs.k8s.io/yaml v1.6.0 makes of each.
describe('text in quotes and brackets is read without regard to its indentation', () => {
  it.each<[string, string, unknown]>([
    ['a double-quoted text', '  a: "one\n two \\" \\\\"\n', { a: 'one two " \\' }],
    ['a single-quoted text', "  a: 'it''s\n  two # no comment'\n", { a: "it's two # no comment" }],
    ['a text of many lines', '  a: "one\n    two\n\nthree"\n', { a: 'one two\nthree' }],
    ['a list', "  a: [\n  'x',\n  z\n  ]\n", { a: ['x', 'z'] }],
    ['a mapping', '  a: {\n  b: c, # }\n  d: [e,\nf]\n}\n', { a: { b: 'c', d: ['e', 'f'] } }],
    ['a bracket in quotes', "  a: [\n  ']',\n  it's\n  ]\n", { a: [']', "it's"] }],
    ['quotes in brackets', '  a: { b: "x\n y", c:\n [d] }\n', { a: { b: 'x y', c: ['d'] } }],
    ['an item of a list', '  a:\n    - "x\n y"\n    - [z,\n  z]\n', { a: ['x y', ['z', 'z']] }],
    ['several of them', '  a: "x\n y"\n  b: [\n  c\n  ]\n  d: \'x\n y\'\n', { a: 'x y', b: ['c'], d: 'x y' }],
    [
      'one after others that are indented',
      '  a: "x\n    y"\n  b: [\n    c\n  ]\n  d: "x\n y"\n',
      { a: 'x y', b: ['c'], d: 'x y' },
    ],
    ['lines that end as on Windows', '  a: "one\r\n two"\r\n', { a: 'one two' }],
  ])('%s', (_, data, expected) => {
    expect(read(data)).toEqual({ ...(expected as object), last: 'z' });
  });

  it.each([
    ['is not closed', '  a: "one\n two\n'],
    ['is closed by another bracket', '  a: [\n  b\n  }\n'],
    ['runs into the next document', '  a: "one\n---\n two"\n'],
    ['is followed by something', '  a: "one\n two" three\n'],
    ['is closed by the quote of another one', '  a: "one\n  b: "two"\n'],
  ])('what %s is still an error', (_, data) => {
    expect(read(data)).toHaveProperty([0, 'message']);
  });

  it('a mistake elsewhere in the document is still an error, and other documents are read', () => {
    const { objects, errors } = parseManifests(
      'a: "one\ntwo"\nb: c: d\n---\napiVersion: v1\nkind: Service\nmetadata: { name: a,\nnamespace: b }\n',
      '',
    );
    expect(errors).toMatchObject([{ line: 3, column: 4, message: expect.stringContaining('mappings') as unknown }]);
    expect(objects.map(({ object }) => object.metadata)).toEqual([{ name: 'a', namespace: 'b' }]);
  });

  it('all positions are those of the text as it was written', () => {
    const { objects, duplicateKeys } = parsed('  a: {\n b: 1,\n  c: [2,\n 3], b: 4 }\n  d: "x\ny"\n');
    const positions = [
      ['data', 'a', 'b'],
      ['data', 'a', 'c', 1],
      ['data', 'd'],
      ['data', 'last'],
    ].map((path) => objects[0]?.position(path));
    expect(positions).toEqual([
      { line: 8, column: 6 },
      { line: 8, column: 2 },
      { line: 9, column: 3 },
      { line: 11, column: 3 },
    ]);
    expect(duplicateKeys).toMatchObject([{ key: 'b', line: 8, column: 6, first: { line: 6, column: 2 } }]);
  });
});
