import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Path } from './path.ts';
import {
  argumentOf,
  fillIn,
  placeholdersIn,
  textsWithPlaceholders,
  withoutPlaceholders,
  type Text,
} from './placeholders.ts';

describe('placeholdersIn', () => {
  it.each([
    ['up', [], false],
    ['{{args.a}}', ['args.a'], false],
    ['x{{ args.a }}y{{args.b}}', ['args.a', 'args.b'], false],
    ['q{s="{{args.a}}"}', ['args.a'], false],
    ['{{{args.a}}}', ['{args.a'], false],
    ['{{a {{b}}', ['a {{b'], false],
    ['{{args.a}} {{args.b}', ['args.a'], true],
    ['}} {', [], false],
    ['{{\nargs.a }}', ['\\nargs.a'], false],
  ] as const)('reads %j', (text, tags, unclosed) => {
    expect(placeholdersIn(text)).toEqual({ tags, unclosed });
  });
});

describe('fillIn', () => {
  const values = new Map([
    ['args.a', '{{args.b}}'],
    ['args.b', '2'],
  ]);

  it.each([
    ['up', 'up'],
    ['x{{args.b}}y{{ args.b }}z', 'x2y2z'],
    ['{{args.a}}', '{{args.b}}'],
    ['{{args.c}}', undefined],
    ['{{args.b', undefined],
  ])('fills in %j once', (text, expected) => {
    expect(fillIn(text, (tag) => values.get(tag))).toBe(expected);
  });

  it('does not build a text of megabytes from one value', () => {
    const value = 'x'.repeat(60_000);
    expect(fillIn('{{args.a}}', () => value)).toBe(value);
    expect(fillIn('{{args.a}}{{args.a}}', () => value)).toBeUndefined();
  });
});

describe('withoutPlaceholders', () => {
  it.each([
    ['result > 1', 'result > 1'],
    ['{{args.a}} > {{ args.b }}', '0 > 0'],
    ['{{ a {{ b }} c', '0 c'],
    ['{{ a } b }} c', '{{ a } b }} c'],
    ['{{ a } {{ b }}', '{{ a } 0'],
    ['{{ a', '{{ a'],
  ])('replaces those in %j', (text, expected) => {
    expect(withoutPlaceholders(text, '0')).toBe(expected);
  });

  it('replaces what a regular expression finds', () => {
    const texts = fc.array(fc.constantFrom('{', '}', '{{', '}}', 'a', ' '), { maxLength: 30 });
    fc.assert(
      fc.property(texts, (parts) => {
        const text = parts.join('');
        expect(withoutPlaceholders(text, '0')).toBe(text.replaceAll(/\{\{[^}]*\}\}/g, '0'));
      }),
      { numRuns: 5_000 },
    );
  });
});

describe('argumentOf', () => {
  it('takes what follows args', () => {
    expect([argumentOf('args.service-name'), argumentOf('args'), argumentOf('inputs.a')]).toEqual([
      'service-name',
      undefined,
      undefined,
    ]);
  });
});

describe('textsWithPlaceholders', () => {
  const found = (value: unknown, path: Path): Text[] => [...textsWithPlaceholders(value, path, () => undefined)];

  it('finds them in values and keys, in order, at any depth', () => {
    const value = { a: ['{{1}}', { '{{2}}': 'x' }], b: 3, c: null, d: '{{4}}', e: { f: { g: { h: '{{5}}' } } } };
    expect(found(value, ['m']).map(({ text, head, path }) => ({ text, head, path }))).toEqual([
      { text: '{{1}}', head: ['a', 0], path: ['m', 'a', 0] },
      { text: '{{2}}', head: ['a', 1, '{{2}}'], path: ['m', 'a', 1, '{{2}}'] },
      { text: '{{4}}', head: ['d'], path: ['m', 'd'] },
      { text: '{{5}}', head: ['e', 'f', 'g', 'h'], path: ['m', 'e', 'f', 'g', 'h'] },
    ]);
    let deep: unknown = '{{x}}';
    for (let level = 0; level < 50_000; level++) deep = [deep];
    expect(found(deep, [])).toHaveLength(1);
  });
});
