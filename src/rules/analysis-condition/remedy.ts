import type { Problem } from '../../conditions/problem.ts';
import { KNOWN_NAMES, RESULT } from '../../conditions/functions.ts';
import { nearest } from '../../world/nearest.ts';

const INSTEAD: Readonly<Record<string, string>> = {
  and: '&&',
  or: '||',
  not: '!',
  is: '==',
  equals: '==',
  eq: '==',
  ne: '!=',
  lt: '<',
  le: '<=',
  lte: '<=',
  gt: '>',
  ge: '>=',
  gte: '>=',
  '&': '&&',
  '~': 'matches',
  true: 'true',
  false: 'false',
  null: 'nil',
  none: 'nil',
  undefined: 'nil',
};
const ARGUMENT = /args(?:\.|\s*\[\s*["'])([\w-]+)/y;
const QUOTES = '\u201c\u201d\u2018\u2019\u201e`';

/**
 * Returns what to do about a problem, as an instruction.
 *
 * @param provider - The provider of the metric, for an example.
 */
export function remedyFor(condition: string, problem: Problem, provider: string): string {
  return (
    REMEDIES[problem.kind]?.(problem, condition, provider) ??
    `write it in the language of expr, such as ${exampleFor(provider)}`
  );
}

// What a result of the provider is compared like.
function exampleFor(provider: string): string {
  if (provider === 'prometheus') return 'result[0] > 0.95 && result[0] < 2';
  return provider === 'datadog' ? 'default(result, 0) < 0.05' : 'result > 0.95 && result < 2';
}

// What stands for one number in the result of each provider.
const NUMBERS: Readonly<Record<string, string>> = {
  prometheus: 'result[0]',
  graphite: 'result[0]',
  influxdb: 'result[0]',
  newRelic: 'result.rate',
  cloudWatch: 'result[0].Values[0]',
  datadog: 'default(result, 0)',
};

function testForNaN(provider: string, name = 'isNaN'): string {
  return `${name}(${NUMBERS[provider] ?? 'result'})`;
}

function instead({ token }: Problem): string | undefined {
  return INSTEAD[token.toLowerCase()];
}

type Remedy = (problem: Problem, condition: string, provider: string) => string | undefined;

const FOR_TYPES: readonly (readonly [type: string, remedy: string])[] = [
  ['a string', 'write numbers without quotes, and compare strings with strings'],
  ['a list', 'compare an element, such as result[0]'],
  ['a map', 'compare a field, such as result.rate'],
  ['a structure', 'compare a field, such as result[0].Values[0]'],
];

// In a string, one backslash for the expression is two.
// In the quotes of most people. Between backticks a backslash stands for itself.
const FOR_PATTERNS: readonly (readonly [start: string, remedy: string])[] = [
  ['has no closing )', 'add the closing ), or write \\\\( for the character itself'],
  ['has a ) without', 'remove it, or write \\\\) for the character itself'],
  ['has no closing ]', 'add the closing ], or write \\\\[ for the character itself'],
  ['has nothing before *', 'write .* for any text, or \\\\* for the character itself'],
  ['has nothing before', 'write what is repeated, or \\\\ before the character itself'],
  ['has two repetitions', 'leave one out'],
  ['has the invalid repeat count', 'repeat at most 1000 times, with the lower number first'],
  ['ends with', 'remove it, or write \\\\\\\\ for the character itself'],
  ['has the invalid range', 'write the lower character first, and - last'],
  ['has the unknown escape', 'leave out the backslash, or write \\\\z for the end of the text'],
  ['has the unknown class', 'correct its name'],
];

const REMEDIES: Readonly<Partial<Record<Problem['kind'], Remedy>>> = {
  name: (problem, condition, provider) => {
    const { at, token } = problem;
    ARGUMENT.lastIndex = at;
    if (token === 'args') return `put braces around the argument: {{args.${ARGUMENT.exec(condition)?.[1] ?? 'NAME'}}}`;
    const field = fieldWithHyphens(condition, at, token);
    if (field !== undefined) return `write ["${field}"] in place of .${field}, because - subtracts`;
    const isCall = condition
      .slice(at + token.length)
      .trimStart()
      .startsWith('(');
    const names = KNOWN_NAMES.filter((name) => !isCall || !VALUES.has(name)).filter(
      (name) => isCall || VALUES.has(name),
    );
    if (token.toLowerCase() === 'nan') return `write ${testForNaN(provider)}`;
    // What expr 1.17 adds has no near name that does the same.
    const near = KNOWN_NAMES.includes(token) ? undefined : nearest(token, names);
    return write(instead(problem) ?? near) ?? 'use result and the functions of Argo Rollouts and expr';
  },
  token: (problem, condition) =>
    decimalCommaAt(condition, problem.at) ??
    (problem.token === '#' ? 'remove it, or write the comment between /* and */' : undefined) ??
    arrowAt(condition, problem.at) ??
    negationBefore(condition, problem.at) ??
    write(nullTestAt(condition, problem.at) ?? operatorAt(condition, problem.at, problem.token) ?? instead(problem)),
  character: ({ token }) =>
    QUOTES.includes(token) ? 'use straight quotes' : (write(INSTEAD[token]) ?? `remove ${token}`),
  text: ({ token }) => (token.startsWith('\\') ? 'write two backslashes' : `add the closing ${token}`),
  number: () => 'write the number alone',
  types: ({ text }) => FOR_TYPES.find(([type]) => text.includes(type))?.[1],
  arguments: ({ at, token }, condition, provider) =>
    (token === 'isNaN' || token === 'isInf') && /^\w+\s*\(\s*result\s*\)/.test(condition.slice(at, at + MAX_FIELD))
      ? `write ${testForNaN(provider, token)}`
      : `pass the arguments that ${token} takes`,
  mixed: () => 'put parentheses around the part with ??',
  result: () => 'compare it with a value',
  access: ({ at, text }, condition, provider) => {
    if (text.startsWith('a number'))
      return `compare the ${isOfElement(condition, at) ? 'element' : 'result'} itself, which is one number`;
    if (provider !== 'cloudWatch') return undefined;
    return text.startsWith('there is')
      ? 'use Values, Timestamps, Id, Label, StatusCode or Messages'
      : 'write result[0].Values[0]';
  },
  pattern: ({ at, text }, condition) => {
    const found = FOR_PATTERNS.find(([start]) => text.startsWith(`the regular expression ${start}`))?.[1];
    const remedy = found ?? 'use the syntax of Go (RE2), which has no lookaround and no backreferences';
    return condition.charAt(at) === '`' ? remedy.replaceAll('\\\\', '\\') : remedy;
  },
  end: (_, condition) =>
    condition.trimEnd().endsWith('%')
      ? 'write 0.05 in place of 5%'
      : 'complete the condition, and quote it in YAML if it has a # after a space',
};

function write(instead: string | undefined): string | undefined {
  return instead === undefined ? undefined : `write ${instead}`;
}

const VALUES: ReadonlySet<string> = new Set([RESULT, 'true', 'false', 'nil']);

// A condition has at most a few thousand characters, and a field few of them.
const MAX_FIELD = 100;

// "result.error-rate" is result.error minus rate. Returns "error-rate" where "rate" is.
function fieldWithHyphens(condition: string, at: number, token: string): string | undefined {
  const start = /\.((?:\w+-)+)$/.exec(condition.slice(Math.max(0, at - MAX_FIELD), at))?.[1];
  if (start === undefined) return undefined;
  return start + token + (/^(?:-\w+)*/.exec(condition.slice(at + token.length, at + MAX_FIELD))?.[0] ?? '');
}

// The function of a list as other languages write it: any(result, x => x > 1).
function arrowAt(condition: string, at: number): string | undefined {
  if (!condition.startsWith('=>', at)) return undefined;
  const element = /,\s*\(?(\w+)\)?\s*$/.exec(condition.slice(Math.max(0, at - MAX_FIELD), at))?.[1];
  return element === undefined
    ? undefined
    : `leave out ${element} =>, and write # for the element, as in any(result, # > 1)`;
}

function decimalCommaAt(condition: string, at: number): string | undefined {
  const whole = /(?<![\w.\]])\d+$/.exec(condition.slice(Math.max(0, at - MAX_FIELD), at))?.[0];
  const part = /^,(\d+)(?![\w.])/.exec(condition.slice(at, at + MAX_FIELD))?.[1];
  return whole === undefined || part === undefined ? undefined : `write ${whole}.${part}`;
}

// The word in capitals is a name, with which nothing can follow.
function negationBefore(condition: string, at: number): string | undefined {
  const word = /(?:^|[^\w.])(NOT|Not)\s+$/.exec(condition.slice(Math.max(0, at - MAX_FIELD), at))?.[1];
  return word === undefined ? undefined : `write not in place of ${word}`;
}

// Whether a field is read of an element, as in result[0].value.
function isOfElement(condition: string, at: number): boolean {
  return /\]\s*(?:\?\.|\.|\[)\s*$/.test(condition.slice(Math.max(0, at - MAX_FIELD), at));
}

// Tests for null as SQL writes them.
function nullTestAt(condition: string, at: number): string | undefined {
  const [, not, nothing] = /^is\b\s*(not\b)?\s*(n(?:ull|one|il)\b)?/i.exec(condition.slice(at, at + MAX_FIELD)) ?? [];
  return not === undefined && nothing === undefined
    ? undefined
    : `${not === undefined ? '==' : '!='}${nothing === undefined ? '' : ' nil'}`;
}

// Operators of other languages, which begin or end with one that there is.
function operatorAt(condition: string, at: number, token: string): string | undefined {
  if (token === '=') {
    const next = condition[at + 1];
    const isThird = condition[at - 1] === '=';
    return next === '>' ? '>=' : next === '<' ? '<=' : isThird || next !== '=' ? '==' : undefined;
  }
  return token === '>' && condition[at - 1] === '<' ? '!=' : undefined;
}
