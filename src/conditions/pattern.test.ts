import fc from 'fast-check';
import { RE2JS } from 're2js';
import { describe, expect, it } from 'vitest';
import { patternProblemOf } from './pattern.ts';

// Each is what `regexp.Compile` of Go 1.26 answered. The kinds stand for its error codes.
describe('patternProblemOf', () => {
  it.each(
    [
      ['', '^/v1/(a|b)?$', 'a|', '()*', '(?:)+', '^*', 'a(?i)*', 'a*(?i)*', 'a*\\Q\\E*', 'b{01}', 'a{,2}', '{'],
      ['a{1000}', 'a{0,}', '(a{30}){33}', '((a{1000}){0}){1000}', '(x{0,}){1000}', 'a??', 'a{2}?', 'a{1,2}b{1000}'],
      ['[]a]', '[^]]', '[a-]', '[-a]', '[\\d-a]', '[[:alpha:][:^space:]]', '[[:a]', '[a[]', '[é-ü]', '[\\x41-\\x{42}]'],
      [
        '\\A\\b\\B\\z',
        '\\d\\D\\s\\S\\w\\W',
        '\\07\\12\\0',
        '\\_\\.\\-\\ ',
        '\\x{10FFFF}',
        '\\Q(\\E',
        '\\Q(',
        '\\a\\f\\n\\r\\t\\v',
      ],
      [
        '\\pL\\PN',
        '\\p{Greek}',
        '\\p{^Lu}',
        '(?i)',
        '(?i:a)',
        '(?s-U:a)',
        '(?)',
        '(?P<n>a)',
        '(?<n_1>a)',
        '}',
        ']',
        '😀*',
      ],
    ]
      .flat()
      .map((pattern) => [pattern]),
  )('finds nothing in %j', (pattern) => {
    expect(patternProblemOf(pattern)).toBeUndefined();
  });

  it.each([
    ['(a', 'open', ''],
    ['a(?:b|(c)', 'open', ''],
    ['a)', 'close', ')'],
    ['(a))', 'close', ')'],
    ['[a', 'class', '[a'],
    ['[]', 'class', '[]'],
    ['[^', 'class', '[^'],
    ['[[:alpha:]', 'class', '[[:alpha:]'],
    ['*', 'nothing', '*'],
    ['a|+', 'nothing', '+'],
    ['(?', 'group', '(?'],
    ['(?i)*?', 'nothing', '*?'],
    ['({2})', 'nothing', '{2}'],
    ['a**', 'twice', '**'],
    ['a+?+', 'twice', '+?+'],
    ['a???', 'twice', '???'],
    ['a{2}{3}', 'twice', '{2}{3}'],
    ['a++', 'twice', '++'],
    ['a{1001}', 'count', '{1001}'],
    ['a{3,2}', 'count', '{3,2}'],
    ['a{2,1001}?', 'count', '{2,1001}'],
    ['(a{40}){30}', 'count', '{30}'],
    ['((a{2}){3}){200}', 'count', '{200}'],
    ['((b{0}){500}){500}', 'count', '{500}'],
    ['a\\', 'backslash', '\\'],
    ['[\\', 'backslash', '\\'],
    ['\\Z', 'escape', '\\Z'],
    ['(a)\\1', 'escape', '\\1'],
    ['\\8', 'escape', '\\8'],
    ['\\k<n>', 'escape', '\\k'],
    ['\\x4', 'escape', '\\x'],
    ['\\x{110000}', 'escape', '\\x'],
    ['\\é', 'escape', '\\é'],
    ['\\C', 'escape', '\\C'],
    ['[\\b]', 'escape', '\\b'],
    ['[a-\\d]', 'escape', '\\d'],
    ['(?=a)', 'group', '(?='],
    ['(?!a)', 'group', '(?!'],
    ['(?<=a)', 'group', '(?<='],
    ['(?<!a)', 'group', '(?<!'],
    ['(?>a)', 'group', '(?>'],
    ['(?x)a', 'group', '(?x'],
    ['(?-)', 'group', '(?-'],
    ['(?P=n)', 'group', '(?P='],
    ['(?<n-m>a)', 'group', '(?<n'],
    ['(?#comment)', 'group', '(?#'],
    ['[[:foo:]]', 'name', '[:foo:]'],
    ['\\pX', 'name', '\\pX'],
    ['\\p{', 'name', '\\p{'],
    ['\\p', 'name', '\\p'],
    ['[z-a]', 'range', 'z-a'],
    ['[9-0_]', 'range', '9-0'],
    [`[[:${'a'.repeat(50)}:]]`, 'name', `[:${'a'.repeat(28)}`],
  ])('finds what is wrong with %j', (pattern, kind, part) => {
    expect(patternProblemOf(pattern)).toMatchObject({ kind, part });
  });

  // Go refuses these, which depends on its version or on how expr reads the characters.
  it.each(['\\p{Gothick}', '[\\n-\\t]', '[\u{1f601}-\u{1f600}]', `${'('.repeat(1001)}${')'.repeat(1001)}`])(
    'says nothing about %j',
    (pattern) => {
      expect(patternProblemOf(pattern)).toBeUndefined();
    },
  );
});

const PARTS = [
  ...['a', 'b', '-', '^', '$', '.', '*', '+', '?', '|', '(', ')', '[', ']', '\\', '{2}', '{,3}', '{1,2}'],
  ...['(?:', '(?i)', '(?P<n>', '(?=', '[:alpha:]', '\\d', '\\pL', '\\Q', '\\E', '\\x41'],
];

// re2js is a port of Go's parser. Rollgate does not use it for conditions, because it also compiles: that takes seconds
// for a short expression with large counts.
it('agrees with re2js about generated expressions', () => {
  const isRefused = (pattern: string): boolean => {
    try {
      RE2JS.compile(pattern);
      return false;
    } catch {
      return true;
    }
  };
  const patterns = fc.array(fc.constantFrom(...PARTS), { minLength: 1, maxLength: 8 }).map((parts) => parts.join(''));
  fc.assert(
    fc.property(patterns, (pattern) => {
      expect([pattern, patternProblemOf(pattern) !== undefined]).toEqual([pattern, isRefused(pattern)]);
    }),
    { numRuns: 3_000 },
  );
});
