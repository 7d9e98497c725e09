import fc from 'fast-check';

const NUMBERS = ['0', '1', '0.95', '.5', '1e3', '1_000', '0x1F', '0b11', '1.', '2'];
const TEXTS = ['"a"', "'text'", '""', '`raw`', '"\\n\\x41"', '"\\u{41}"', 'string(1)', 'upper("a")'];
const LITERALS = [
  ...[
    ...NUMBERS,
    ...TEXTS,
    '99999999999999999999',
    'true',
    'false',
    'nil',
    '"\\q"',
    '[]',
    '{}',
    '[1, 2,]',
    '["a", "b"]',
  ],
  '{a: 1, "b": 2}',
];
const NAMES = ['result', 'result', 'result', 'args', 'args.x', 'Result', 'index', 'isNaN', 'len', '$env', 'x'];
const PREDICATES = [
  ...['all', 'any', 'none', 'one', 'filter', 'map', 'count', 'find', 'findIndex', 'groupBy', 'sortBy', 'sum'],
];
const FUNCTIONS = [
  ...['asInt', 'asFloat', 'isNaN', 'isInf', 'isNil', 'default', 'len', 'abs', 'max', 'min', 'mean', 'median', 'sum'],
  ...['int', 'float', 'string', 'trim', 'upper', 'split', 'join', 'first', 'last', 'get', 'take', 'keys', 'values'],
  ...['sort', 'sortBy', 'round', 'now', 'date', 'duration', 'flatten', 'uniq', 'concat', 'reverse', 'bitand', 'type'],
  ...['toJSON', 'fromJSON', 'hasPrefix', 'repeat', 'reduce', 'unknown', 'ceil', 'lastIndexOf', 'toPairs', 'fromPairs'],
];
const COMPARISONS = ['==', '!=', '<', '<=', '>', '>='];
const OPERATORS = [
  ...COMPARISONS,
  ...['&&', '||', 'and', 'or', '+', '-', '*', '/', '%', '**', '^', '..', '??'],
  ...['in', 'not in', 'contains', 'startsWith', 'not matches', 'matches', '?.x ==', '|', 'not'],
];
const MISTAKES = [
  ...['=>', '=', '=<', 'AND', 'OR', '===', '<>', '&', 'is', '!', '%', ';', ',', 'not', '(', ')', '"', '{', '::'],
];
const FRAGMENTS = [
  ...[...OPERATORS, ...MISTAKES, ...LITERALS, ...NAMES, '#', '.', '[', ']', '}', '?', ':', '//', '/*', '\\', '“', '€'],
  ...['`', 'let', 'if', 'else', ' '],
];

type Text = fc.Arbitrary<string>;

function from(...names: readonly string[]): Text {
  return fc.constantFrom(...names);
}

/** Texts of each part one after the other. */
function joined(separator: string, ...parts: readonly Text[]): Text {
  return fc.tuple(...parts).map((texts) => texts.join(separator));
}

// Regular expressions, most of which do not compile.
const PATTERN_PARTS = [
  ...['a', 'b', '.', '^', '$', '|', '(', ')', '(?:', '(?i)', '(?=', '(?<!', '(?<n>', '(?P=n)', '[', ']', '[^', '[a-z]'],
  ...[
    '[z-a]',
    '[:alpha:]',
    '[:no:]',
    '-',
    '*',
    '+',
    '?',
    '{2}',
    '{2,}',
    '{3,2}',
    '{1001}',
    '{500}',
    '{',
    '}',
    'é',
    '\\',
  ],
  ...['\\d', '\\b', '\\Z', '\\1', '\\07', '\\x41', '\\x4', '\\Q', '\\E', '\\pL', '\\pX', '\\p{Greek}', '\\.', '\\_'],
];
const patterns = fc
  .array(from(...PATTERN_PARTS), { maxLength: 6 })
  .map((parts) => `"${parts.join('').replaceAll('\\', '\\\\')}"`);

// Conditions whose types fit, if the result is a number or a list of numbers.
function sensible(isList: boolean): Text {
  const measured = isList
    ? ['result[0]', 'result[-1]', 'first(result)', 'len(result)', 'asFloat(result[0])', 'max(result[0], 1)']
    : ['result', 'asFloat(result)', 'asInt(result)', 'default(result, 0)', 'abs(result)', 'result ?? 0'];
  const { bool } = fc.letrec<{ bool: string; number: string }>((tie) => ({
    bool: fc.oneof(
      { maxDepth: 3 },
      joined(' ', tie('number'), from(...COMPARISONS), tie('number')),
      joined(' ', tie('bool'), from('&&', '||', 'and', 'or', '==', '!='), tie('bool')),
      tie('bool').map((inner) => `(${inner})`),
      joined('', from('!', 'not '), from('(result == nil)', 'true', 'isNil(result)', 'isNaN(1)')),
      joined(' ', tie('bool'), from('?'), tie('bool'), from(':'), tie('bool')),
      joined(' ', from(...TEXTS), from('==', 'in', 'contains', 'startsWith'), from(...TEXTS, '["a"]', '{a: 1}')),
      joined(' ', from(...TEXTS), from('matches', 'not matches'), patterns),
      joined('', from(isList ? 'all(result, ' : 'any([1, 2], '), from('# > 1', '{# < 2}', '# in [1, 2]'), from(')')),
      from(
        'isNil(result)',
        'result == nil',
        'result not in [1, 2]',
        '1 < 2 < 3',
        'let x = 1; x > 0',
        'result % 2 == 1',
      ),
    ),
    number: fc.oneof(
      { maxDepth: 3 },
      { weight: 3, arbitrary: from(...measured) },
      { weight: 3, arbitrary: from(...NUMBERS) },
      joined(' ', tie('number'), from('+', '-', '*', '/', '**'), tie('number')),
      tie('number').map((inner) => `-(${inner})`),
      joined('', from('max(', 'min('), tie('number'), from(', '), tie('number'), from(')', ',)')),
      joined('', from('asFloat(', 'round(', 'int(', 'float('), tie('number'), from(')')),
      from('count([1, 2], # > 1)', 'sum([1, 2])', 'len("abc")', 'sum([1], # + 1)', 'reduce([1], #acc + #, 0)'),
    ),
  }));
  return bool;
}

// Conditions that follow the grammar. Their types seldom fit.
const { condition: wild } = fc.letrec<{ condition: string; value: string }>((tie) => {
  const value = tie('value');
  return {
    condition: fc.oneof(
      { maxDepth: 2 },
      joined(' ', value, from(...OPERATORS), value),
      value,
      joined(' ', value, from('matches'), patterns),
    ),
    value: fc.oneof(
      { maxDepth: 3 },
      from(...NAMES, ...LITERALS),
      value.map((inner) => `(${inner})`),
      joined(
        '',
        value,
        from('[0]', '[-1]', '.a', '?.a', '["a"]', '[0:1]', '[:1]', '[1:]', '?.[0]', '.len()', '.in', '[x:]'),
      ),
      fc.tuple(from(...FUNCTIONS), fc.array(value, { maxLength: 3 })).map(([name, args]) => `${name}(${args.join()})`),
      fc
        .tuple(
          from(...PREDICATES),
          value,
          from('# > 1', '.a > 1', '# == "a"', '#', '{#index > 1}', '{let y = #; y > 1}', 'nil', '#acc'),
        )
        .map(([name, list, predicate]) => `${name}(${list}, ${predicate})`),
      fc
        .tuple(value, from(...FUNCTIONS, ...PREDICATES), fc.array(value, { maxLength: 2 }))
        .map(([left, name, args]) => `${left} | ${name}(${args.join()})`),
      joined(' ', value, from(...OPERATORS), value),
      joined('', from('!', 'not ', '-', '+'), value),
      fc.tuple(value, value, value).map(([test, yes, no]) => `${test} ? ${yes} : ${no}`),
      joined(' ', value, from('?:'), value),
      fc.tuple(value, value, value).map(([test, yes, no]) => `if ${test} { ${yes} } else { ${no} }`),
      fc.tuple(from('x', 'y', 'result', 'len'), value, value).map(([name, of, body]) => `let ${name} = ${of}; ${body}`),
      fc.tuple(value, value).map(([one, other]) => `[${one}, ${other}]`),
      fc.tuple(value, value).map(([one, other]) => `{a: ${one}, (${other}): 1}`),
      joined('; ', value, value),
    ),
  };
});

const valid = fc.oneof(sensible(false), sensible(true), wild);

// Puts a fragment into a text, in place of some characters.
const broken = fc
  .tuple(valid, fc.nat(), fc.nat(3), from('', ...FRAGMENTS), fc.boolean())
  .map(([text, at, length, fragment, hasSpaces]) => {
    const start = at % (text.length + 1);
    const put = hasSpaces ? ` ${fragment} ` : fragment;
    return text.slice(0, start) + put + text.slice(start + length);
  });

const tokens = fc.array(from(...FRAGMENTS), { maxLength: 7 }).map((fragments) => fragments.join(' '));

/** Conditions: many that compile, and many that a small mistake breaks. */
export function conditions(): Text {
  return fc.oneof({ weight: 4, arbitrary: valid }, { weight: 4, arbitrary: broken }, { weight: 1, arbitrary: tokens });
}
