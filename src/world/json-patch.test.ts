import { describe, expect, it } from 'vitest';
import { insertAt, removeAt, same, setAt, withOperations } from './json-patch.ts';

describe('setAt', () => {
  it.each([
    ['replaces what is there', { a: { b: 1 } }, ['a', 'b'], 2, [{ op: 'replace', path: '/a/b', value: 2 }]],
    ['adds what is missing', { a: {} }, ['a', 'b'], 2, [{ op: 'add', path: '/a/b', value: 2 }]],
    [
      'adds the objects that are missing on the way',
      {},
      ['a', 'b', 'c/d'],
      2,
      [{ op: 'add', path: '/a', value: { b: { 'c/d': 2 } } }],
    ],
    ['takes null for missing', { a: null }, ['a', 'b'], 2, [{ op: 'replace', path: '/a', value: { b: 2 } }]],
    ['goes into lists', { a: [{}, { b: 1 }] }, ['a', 1, 'b'], 2, [{ op: 'replace', path: '/a/1/b', value: 2 }]],
    ['escapes keys', { a: {} }, ['a', 'x~/y'], 2, [{ op: 'add', path: '/a/x~0~1y', value: 2 }]],
    ['does nothing where the value is right', { a: { b: { c: [1] } } }, ['a', 'b'], { c: [1] }, []],
    ['leaves alone what is no object', { a: 'text' }, ['a', 'b'], 2, []],
    ['leaves alone what is no list', { a: {} }, ['a', 0, 'b'], 2, []],
    ['makes no list entries', { a: [] }, ['a', 0, 'b'], 2, []],
    ['makes no lists', {}, ['a', 0], 2, []],
    [
      'does not take inherited keys for own ones',
      { a: {} },
      ['a', 'constructor'],
      2,
      [{ op: 'add', path: '/a/constructor', value: 2 }],
    ],
    ['leaves prototypes alone', { a: {} }, ['a', '__proto__'], 2, []],
  ])('%s', (_, document, path, value, expected) => {
    expect(setAt(document, path, value)).toEqual(expected);
  });
});

describe('insertAt and removeAt', () => {
  it('name the place, and copy the value', () => {
    const value = { a: [1] };
    const operation = insertAt(['spec', 'http', '-'], value);
    expect(operation).toEqual({ op: 'add', path: '/spec/http/-', value });
    expect(operation).not.toHaveProperty(
      'value',
      expect.toSatisfy((copy) => copy === value),
    );
    expect(removeAt(['spec', 'http', 3])).toEqual({ op: 'remove', path: '/spec/http/3' });
  });
});

describe('same', () => {
  it('compares by content, in any order of keys', () => {
    expect(same({ a: 1, b: [1, { c: null }] }, { b: [1, { c: null }], a: 1 })).toBe(true);
    expect(same([1, 2], [2, 1])).toBe(false);
    expect(same({ a: undefined }, {})).toBe(false);
  });
});

describe('withOperations', () => {
  it('changes copies, and shares the rest with the document', () => {
    const document = { a: { b: 1 }, c: { d: 1 } };
    const changed = withOperations(document, [setAt(document, ['a', 'b'], 2)].flat());
    expect(changed).toEqual({ a: { b: 2 }, c: { d: 1 } });
    expect(document).toEqual({ a: { b: 1 }, c: { d: 1 } });
    expect(changed.c).toBe(document.c);
  });

  it('refuses to move, which would change the document', () => {
    const document: object = { a: { b: 1 } };
    expect(() => withOperations(document, [{ op: 'move', from: '/a/b', path: '/c' }])).toThrow(
      'move to /c: use remove and add instead',
    );
    expect(document).toEqual({ a: { b: 1 } });
  });
});
