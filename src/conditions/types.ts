/** What is known of the type of a value. */
export interface Type {
  /** `any` is every type of which nothing is known, that of points in time and durations included. */
  readonly kind: 'any' | 'nil' | 'bool' | 'int' | 'int64' | 'float' | 'string' | 'list' | 'map' | 'struct' | 'function';
  /** The type of the elements of a list in Go. */
  readonly element?: Type | undefined;
  /** The type that the elements of a list are seen to have: `in` compares with it, and 1.17 reads elements of it. */
  readonly seen?: Type | undefined;
  /** The fields of a struct in Go. It has no others. */
  readonly fields?: ReadonlyMap<string, Type> | undefined;
}

/** Any type. */
export const ANY: Type = { kind: 'any' };
/** The type of nil. */
export const NIL: Type = { kind: 'nil' };
/** The type of true and false. */
export const BOOL: Type = { kind: 'bool' };
/** The type of written integers. */
export const INT: Type = { kind: 'int' };
/** The type of the integers of `asInt`, which Go tells from the others. */
export const INT64: Type = { kind: 'int64' };
/** The type of other numbers. */
export const FLOAT: Type = { kind: 'float' };
/** The type of texts. */
export const STRING: Type = { kind: 'string' };
/** The type of maps. */
export const MAP: Type = { kind: 'map' };
/** The type of functions. */
export const FUNCTION: Type = { kind: 'function' };

/** Returns the type of a list. */
export function listOf(element: Type, seen?: Type): Type {
  return { kind: 'list', element, seen };
}

/** Returns the type of a struct. */
export function structOf(fields: Readonly<Record<string, Type>>): Type {
  return { kind: 'struct', fields: new Map(Object.entries(fields)) };
}

/** Returns the type without what its elements are only seen to be. */
export function unseen(type: Type): Type {
  return type.seen === undefined ? type : { kind: type.kind, element: type.element };
}

/** Reports whether a value can be of any type. */
export function isAny({ kind }: Type): boolean {
  return kind === 'any';
}

/** Reports whether a type is of integers. */
export function isInteger({ kind }: Type): boolean {
  return kind === 'int' || kind === 'int64';
}

/** Reports whether a type is of numbers. */
export function isNumber(type: Type): boolean {
  return isInteger(type) || type.kind === 'float';
}

/** Reports whether a value may be of the kind. */
export function maybe(type: Type, kind: Type['kind']): boolean {
  return type.kind === kind || isAny(type);
}

/** Reports whether a value may be an integer. */
export function maybeInteger(type: Type): boolean {
  return isInteger(type) || isAny(type);
}

/** Reports whether a value may be a number. */
export function maybeNumber(type: Type): boolean {
  return isNumber(type) || isAny(type);
}

/** Reports whether `==` may stand between the types. */
function isComparable(left: Type, right: Type): boolean {
  return (
    left.kind === right.kind ||
    [left, right].some(({ kind }) => kind === 'any' || kind === 'nil') ||
    (isNumber(left) && isNumber(right))
  );
}

const NAMES: Readonly<Record<Type['kind'], string>> = {
  any: 'a value',
  nil: 'nil',
  bool: 'true or false',
  int: 'a number',
  int64: 'a number',
  float: 'a number',
  string: 'a string',
  list: 'a list',
  map: 'a map',
  struct: 'a structure',
  function: 'a function',
};

/** Returns the type in words. */
export function typeText({ kind }: Type): string {
  return NAMES[kind];
}

type Operation = (left: Type, right: Type) => Type | undefined;

// An operation on two values of which each may be of these types.
function both(fits: (type: Type) => boolean, result: Type | ((left: Type, right: Type) => Type)): Operation {
  return (left, right) => {
    if (!fits(left) || !fits(right)) return undefined;
    return typeof result === 'function' ? result(left, right) : result;
  };
}

function maybeText(type: Type): boolean {
  return maybe(type, 'string');
}

const equality: Operation = (left, right) => (isComparable(left, right) ? BOOL : undefined);
const logic = both((type) => maybe(type, 'bool'), BOOL);
const ofTexts = both(maybeText, BOOL);
const ofNumbers = both(maybeNumber, BOOL);
const order: Operation = (left, right) => ofNumbers(left, right) ?? ofTexts(left, right);
const arithmetic = both(maybeNumber, combined);
const real = both(maybeNumber, FLOAT);
const joining = both(maybeText, (left, right) => eitherKnown(left, right, STRING));

const OPERATIONS: ReadonlyMap<string, Operation> = new Map([
  ...['==', '!='].map((operator) => [operator, equality] as const),
  ...['or', '||', 'and', '&&'].map((operator) => [operator, logic] as const),
  ...['<', '>', '>=', '<='].map((operator) => [operator, order] as const),
  ...['matches', 'contains', 'startsWith', 'endsWith'].map((operator) => [operator, ofTexts] as const),
  ...['-', '*'].map((operator) => [operator, arithmetic] as const),
  ...['/', '**', '^'].map((operator) => [operator, real] as const),
  ['+', (left: Type, right: Type) => arithmetic(left, right) ?? joining(left, right)],
  ['%', both(maybeInteger, combined)],
  ['..', both(maybeInteger, listOf(ANY, ANY))],
  ['in', (left: Type, right: Type) => (isIn(left, right) ? BOOL : undefined)],
  ['??', either],
]);

/**
 * Returns the type of an operation, or undefined if the types of its operands do not fit. Source: `checker/checker.go`
 * of expr v1.15.5 and v1.17.7 (`BinaryNode`); where these differ, what one of them accepts is accepted.
 */
export function operate(operator: string, left: Type, right: Type): Type | undefined {
  return OPERATIONS.get(operator)?.(left, right);
}

/** Returns the type of one value or another. */
export function either(one: Type, other: Type): Type {
  if (one.kind === 'nil') return other;
  if (other.kind === 'nil') return one;
  return one.kind === other.kind && one.kind !== 'list' ? one : ANY;
}

function combined(left: Type, right: Type): Type {
  if (left.kind === right.kind) return left;
  return eitherKnown(left, right, [left, right].some(({ kind }) => kind === 'float') ? FLOAT : INT);
}

// A number that is added to any value may add a duration.
function eitherKnown(left: Type, right: Type, type: Type): Type {
  return isAny(left) || isAny(right) ? ANY : type;
}

function isIn(left: Type, right: Type): boolean {
  if (right.kind === 'map' || right.kind === 'struct') return maybe(left, 'string') || left.kind === 'nil';
  if (right.kind === 'list') return isComparable(left, right.element ?? ANY) && isComparable(left, right.seen ?? ANY);
  return isAny(right) || (isAny(left) && right.kind === 'string');
}
