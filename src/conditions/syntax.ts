/** A part of a condition. `at` is its offset. */
export type Node =
  | {
      readonly type: 'literal';
      readonly kind: 'bool' | 'nil' | 'int' | 'float' | 'string';
      readonly value: string;
      readonly at: number;
    }
  | { readonly type: 'name' | 'pointer'; readonly name: string; readonly at: number }
  | { readonly type: 'unary'; readonly operator: string; readonly operand: Node; readonly at: number }
  | {
      readonly type: 'binary';
      readonly operator: string;
      readonly left: Node;
      readonly right: Node;
      readonly at: number;
    }
  | { readonly type: 'member'; readonly object: Node; readonly property: Node; readonly at: number }
  | {
      readonly type: 'slice';
      readonly object: Node;
      readonly from: Node | undefined;
      readonly to: Node | undefined;
      readonly at: number;
    }
  | { readonly type: 'call'; readonly callee: Node; readonly args: readonly Node[]; readonly at: number }
  | { readonly type: 'builtin'; readonly name: string; readonly args: readonly Node[]; readonly at: number }
  | { readonly type: 'predicate'; readonly body: Node; readonly at: number }
  | { readonly type: 'let'; readonly name: string; readonly value: Node; readonly body: Node; readonly at: number }
  | { readonly type: 'sequence' | 'array' | 'map'; readonly parts: readonly Node[]; readonly at: number }
  | {
      readonly type: 'conditional';
      readonly condition: Node;
      readonly yes: Node;
      readonly no: Node;
      readonly at: number;
    };

/** What an argument of a function that takes predicates is. */
type Parameter = 'value' | 'predicate' | 'optional value' | 'optional predicate';

const ONE_PREDICATE: readonly Parameter[] = ['value', 'predicate'];

/** The functions that take predicates in both dialects. */
const PREDICATE_NAMES = [
  'all',
  'none',
  'any',
  'one',
  'filter',
  'map',
  'count',
  'find',
  'findIndex',
  'findLast',
  'findLastIndex',
  'groupBy',
];

/** The functions that take predicates, and their parameters. Source: `parser/parser.go` of expr v1.15.5. */
export const PREDICATES_115: ReadonlyMap<string, readonly Parameter[]> = new Map([
  ...PREDICATE_NAMES.map((name) => [name, ONE_PREDICATE] as const),
  ['reduce', ['value', 'predicate', 'optional value']],
]);

/** The functions that take predicates, and their parameters. Source: `parser/parser.go` of expr v1.17.7. */
export const PREDICATES_117: ReadonlyMap<string, readonly Parameter[]> = new Map<string, readonly Parameter[]>([
  ...PREDICATES_115,
  ['count', ['value', 'optional predicate']],
  ['sum', ['value', 'optional predicate']],
  ['sortBy', ['value', 'predicate', 'optional value']],
]);

/** Precedences of operators between two operands. Source: `parser/operator` of expr v1.15.5 and v1.17.7. */
export const BINARY: ReadonlyMap<string, number> = new Map([
  ['|', 0],
  ['or', 10],
  ['||', 10],
  ['and', 15],
  ['&&', 15],
  ...['==', '!=', '<', '>', '>=', '<=', 'in', 'matches', 'contains', 'startsWith', 'endsWith'].map(
    (operator) => [operator, 20] as const,
  ),
  ['..', 25],
  ['+', 30],
  ['-', 30],
  ['*', 60],
  ['/', 60],
  ['%', 60],
  ['**', 100],
  ['^', 100],
  ['??', 500],
]);

/** Precedences of operators before an operand. */
export const UNARY: ReadonlyMap<string, number> = new Map([
  ['not', 50],
  ['!', 50],
  ['-', 90],
  ['+', 90],
]);

/** Operators that group from the right. */
export const RIGHT: ReadonlySet<string> = new Set(['**', '^']);

/** Operators that compare by order. In 1.17 they can be chained. */
export const ORDER: ReadonlySet<string> = new Set(['<', '>', '>=', '<=']);

/** Operators that `not` can stand before. In 1.15 it can stand before any. */
export const NEGATABLE: ReadonlySet<string> = new Set(['contains', 'matches', 'startsWith', 'endsWith', 'in']);
