import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ItemSplitter } from '../../src/cluster/items.ts';

function take(text: string, cuts: readonly number[]): { readonly items: readonly unknown[]; readonly rest: unknown } {
  const bytes = Buffer.from(text);
  const splitter = new ItemSplitter();
  const items: string[] = [];
  let start = 0;
  for (const cut of cuts) {
    items.push(...splitter.push(bytes.subarray(start, start + cut)).map(({ text }) => text));
    start += cut;
  }
  items.push(...splitter.push(bytes.subarray(start)).map(({ text }) => text));
  return { items: items.map((item): unknown => JSON.parse(item)), rest: splitter.end() };
}

const json = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.string({ unit: 'grapheme' }),
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.constantFrom('"items":[', '}', ']', '\\', '\\"'),
    tie('list'),
    tie('object'),
  ),
  list: fc.array(tie('value'), { maxLength: 4 }),
  object: fc.dictionary(fc.oneof(fc.string(), fc.constantFrom('items', 'metadata', 'a"items')), tie('value'), {
    maxKeys: 4,
  }),
}));

describe('the items of a list', () => {
  it('are the same as when parsed in one piece, regardless of chunks and the position of the list', () => {
    fc.assert(
      fc.property(
        fc.array(json.object),
        json.object,
        fc.boolean(),
        fc.array(fc.nat({ max: 40 })),
        fc.constantFrom(undefined, 1),
        (items, metadata, first, cuts, indent) => {
          const list = first
            ? { items, kind: 'List', metadata }
            : { kind: 'List', metadata: { ...metadata, items: [1] }, items, last: [] };
          const expected: unknown = JSON.parse(JSON.stringify({ ...list, items: [] }));
          const taken = take(JSON.stringify(list, undefined, indent), cuts);
          expect(taken.items).toEqual(JSON.parse(JSON.stringify(items)));
          expect(taken.rest).toEqual(expected);
        },
      ),
    );
  });

  it('are empty if there are none', () => {
    for (const text of [
      '{"items":[],"metadata":{}}',
      '{"items":null}',
      '{"metadata":{"items":[{}]}}',
      '{"a":[{"items":[{}]}]}',
      '[{"items":[{}]}]',
      '7',
    ]) {
      expect(take(text, [])).toEqual({ items: [], rest: JSON.parse(text) as unknown });
    }
    expect(take('{"items": [ null, 7, "{" ] }', [])).toEqual({ items: [], rest: { items: [] } });
  });

  it('of an incomplete list are an error', () => {
    for (const text of [
      '',
      '{',
      '{"items":[{"a":1}',
      '{"items":[{"a":1},',
      '{"items":[{"a":1}]',
      '{"items":[{"a":"',
      '{"items":[]}}',
    ])
      expect(() => take(text, []), text).toThrow(SyntaxError);
  });
});
