import type { Problem } from '../../conditions/problem.ts';
import { KNOWN_NAMES } from '../../conditions/functions.ts';
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
  nan: 'isNaN(result)',
};
const ARGUMENT = /args\.([\w-]+)/y;
const QUOTES = '\u201c\u201d\u2018\u2019\u201e`';

/** Returns what to do about a problem, as an instruction. */
export function remedyFor(condition: string, problem: Problem): string {
  return REMEDIES[problem.kind]?.(problem, condition) ?? CORRECT;
}

function instead({ token }: Problem): string | undefined {
  return INSTEAD[token.toLowerCase()];
}

type Remedy = (problem: Problem, condition: string) => string | undefined;

const FOR_TYPES: readonly (readonly [type: string, remedy: string])[] = [
  ['a string', 'write numbers without quotes, and compare strings with strings'],
  ['a list', 'compare an element, such as result[0]'],
  ['a map', 'compare a field, such as result.rate'],
];

const REMEDIES: Readonly<Partial<Record<Problem['kind'], Remedy>>> = {
  name: (problem, condition) => {
    const { at, token } = problem;
    ARGUMENT.lastIndex = at;
    if (token === 'args') return `put braces around the argument: {{args.${ARGUMENT.exec(condition)?.[1] ?? 'NAME'}}}`;
    return (
      write(instead(problem) ?? nearest(token, KNOWN_NAMES)) ?? 'use result and the functions of Argo Rollouts and expr'
    );
  },
  token: (problem, condition) => write(operatorAt(condition, problem.at, problem.token) ?? instead(problem)),
  character: ({ token }) =>
    QUOTES.includes(token) ? 'use straight quotes' : (write(INSTEAD[token]) ?? `remove ${token}`),
  text: ({ token }) => (token.startsWith('\\') ? 'write two backslashes' : `add the closing ${token}`),
  number: () => 'write the number alone',
  types: ({ text }) => FOR_TYPES.find(([type]) => text.includes(type))?.[1],
  arguments: ({ token }) => `pass the arguments that ${token} takes`,
  mixed: () => 'put parentheses around the part with ??',
  result: () => 'compare it with a value',
  end: () => 'complete the condition, and quote it in YAML if it has a # after a space',
};

const CORRECT = 'write it in the language of expr, such as result[0] > 0.95 && result[0] < 2';

function write(instead: string | undefined): string | undefined {
  return instead === undefined ? undefined : `write ${instead}`;
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
