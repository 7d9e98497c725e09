import type { Dialect } from './problem.ts';
import {
  ANY,
  BOOL,
  FLOAT,
  INT,
  INT64,
  isAny,
  isNumber,
  listOf,
  maybe,
  maybeInteger,
  maybeNumber,
  STRING,
  unseen,
  type Type,
} from './types.ts';

/** Returns the type of the result of a function for the types of its arguments; undefined if they do not fit. */
export type Signature = (args: readonly Type[]) => Type | undefined;

type Fits = (type: Type) => boolean;

const anything: Fits = () => true;
const text: Fits = (type) => maybe(type, 'string') || type.kind === 'nil';
const integer: Fits = (type) => maybeInteger(type) || type.kind === 'nil';
const list: Fits = (type) => maybe(type, 'list');
const map: Fits = (type) => maybe(type, 'map');
const sized: Fits = (type) => list(type) || map(type) || maybe(type, 'string');
const convertible: Fits = (type) => maybeNumber(type) || maybe(type, 'string');

/** A function with parameters of these types. */
function of(result: Type, fits: readonly Fits[], optional: readonly Fits[] = []): Signature {
  const all = [...fits, ...optional];
  return (args) =>
    args.length >= fits.length && args.length <= all.length && args.every((arg, index) => all[index]?.(arg) === true)
      ? result
      : undefined;
}

/** The first argument has the type of the result. */
function same(fits: readonly Fits[]): Signature {
  const check = of(ANY, fits);
  return (args) => (check(args) === undefined ? undefined : unseen(args[0] ?? ANY));
}

/** The result is an element of the list. */
const element: Signature = (args) => {
  const [only] = args;
  if (only === undefined || args.length > 1 || !list(only)) return undefined;
  return only.element ?? ANY;
};

/** Numbers, one at least; after the first that may be something else, anything. */
function numbers(isList: boolean): Signature {
  return (args) => {
    if (args.length === 0) return undefined;
    for (const arg of args) {
      if (isAny(arg) || (isList && arg.kind === 'list')) return ANY;
      if (!isNumber(arg)) return undefined;
    }
    return args[0];
  };
}

const LIST = listOf(ANY);

const BOTH: readonly (readonly [name: string, signature: Signature])[] = [
  ['len', of(INT, [sized])],
  ['type', of(STRING, [anything])],
  ['abs', same([maybeNumber])],
  ['ceil', of(FLOAT, [maybeNumber])],
  ['floor', of(FLOAT, [maybeNumber])],
  ['round', of(FLOAT, [maybeNumber])],
  ['int', of(INT, [convertible])],
  ['float', of(FLOAT, [convertible])],
  ['string', of(STRING, [anything])],
  ['trim', of(STRING, [text], [text])],
  ['trimPrefix', of(STRING, [text], [text])],
  ['trimSuffix', of(STRING, [text], [text])],
  ['upper', of(STRING, [text])],
  ['lower', of(STRING, [text])],
  ['split', of(LIST, [text, text], [integer])],
  ['splitAfter', of(LIST, [text, text], [integer])],
  ['replace', of(STRING, [text, text, text], [integer])],
  ['repeat', of(STRING, [text, integer])],
  ['join', of(STRING, [(type) => list(type) || type.kind === 'nil'], [text])],
  ['indexOf', of(INT, [text, text])],
  ['lastIndexOf', of(INT, [text, text])],
  ['hasPrefix', of(BOOL, [text, text])],
  ['hasSuffix', of(BOOL, [text, text])],
  ['toJSON', of(STRING, [anything])],
  ['fromJSON', of(ANY, [text])],
  ['toBase64', of(STRING, [text])],
  ['fromBase64', of(STRING, [text])],
  ['duration', of(ANY, [text])],
  ['first', element],
  ['last', element],
  ['take', same([list, maybeInteger])],
  ['keys', of(LIST, [map])],
  ['values', of(LIST, [map])],
  ['toPairs', of(LIST, [map])],
  ['fromPairs', of(ANY, [list])],
  ['sort', of(LIST, [(type) => list(type) || type.kind === 'nil'], [text])],
  // Its arguments are checked as those of an element.
  ['get', of(ANY, [anything, anything])],
];

const ONLY_115: typeof BOTH = [
  ['max', numbers(false)],
  ['min', numbers(false)],
  ['sum', of(ANY, [list])],
  ['mean', of(FLOAT, [list])],
  ['median', of(FLOAT, [list])],
  ['now', of(ANY, [])],
  ['date', of(ANY, [text], [text, text])],
  ['sortBy', of(LIST, [list, (type) => maybe(type, 'string')], [(type) => maybe(type, 'string')])],
];

const ONLY_117: typeof BOTH = [
  ['max', numbers(true)],
  ['min', numbers(true)],
  ['mean', numbers(true)],
  ['median', numbers(true)],
  ['now', of(ANY, [], [isAny])],
  ['timezone', of(ANY, [text])],
  ['date', of(ANY, [anything], [anything, anything, anything])],
  ['reverse', of(LIST, [list])],
  ['uniq', of(LIST, [list])],
  ['concat', (args) => (args.length > 0 && args.every(list) ? LIST : undefined)],
  ['flatten', of(LIST, [list])],
  ...['bitand', 'bitor', 'bitxor', 'bitnand', 'bitshl', 'bitshr', 'bitushr'].map(
    (name) => [name, of(INT, [integer, integer])] as const,
  ),
  ['bitnot', of(INT, [integer])],
];

const FUNCTIONS: Readonly<Record<Dialect, ReadonlyMap<string, Signature>>> = {
  '1.15': new Map([...BOTH, ...ONLY_115]),
  '1.17': new Map([...BOTH, ...ONLY_117]),
};

/** Returns the functions of the language, without those that take predicates. Source: `builtin/builtin.go`. */
export function functionsOf(dialect: Dialect): ReadonlyMap<string, Signature> {
  return FUNCTIONS[dialect];
}

/**
 * The functions that Argo Rollouts adds. Source: Argo Rollouts v1.9.1 and v1.10.1, `utils/evaluate/evaluate.go`
 * (`EvalCondition`).
 */
export const ADDED_FUNCTIONS: ReadonlyMap<string, Signature> = new Map([
  ['asInt', of(INT64, [anything])],
  ['asFloat', of(FLOAT, [anything])],
  ['isNaN', of(BOOL, [(type) => maybeNumber(type) || type.kind === 'nil'])],
  ['isInf', of(BOOL, [(type) => maybeNumber(type) || type.kind === 'nil'])],
  ['isNil', of(BOOL, [anything])],
  ['default', of(ANY, [anything, anything])],
]);

/** Those that Argo Rollouts adds for a point in time (`EvalTime`). */
export const FUNCTIONS_OF_TIMES: typeof ADDED_FUNCTIONS = new Map(
  [...ADDED_FUNCTIONS].filter(([name]) => name === 'isNaN' || name === 'isInf'),
);

/** The name of what was measured. */
export const RESULT = 'result';

/** The names that a condition can use in one dialect or the other, without those of functions that take predicates. */
export const KNOWN_NAMES: readonly string[] = [
  RESULT,
  'true',
  'false',
  'nil',
  ...ADDED_FUNCTIONS.keys(),
  ...new Set([...FUNCTIONS['1.15'].keys(), ...FUNCTIONS['1.17'].keys()]),
];
