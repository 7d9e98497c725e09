import { ADDED_FUNCTIONS, functionsOf, FUNCTIONS_OF_TIMES, RESULT, type Signature } from './functions.ts';
import { patternProblemOf } from './pattern.ts';
import { ConditionError, type Dialect, type Problem, type Steps } from './problem.ts';
import { PREDICATES_115, PREDICATES_117, type Node } from './syntax.ts';
import {
  ANY,
  BOOL,
  either,
  FUNCTION,
  INT,
  isAny,
  listOf,
  MAP,
  maybe,
  maybeInteger,
  maybeNumber,
  NIL,
  operate,
  STRING,
  FLOAT,
  typeText,
  unseen,
  type Type,
} from './types.ts';

const LITERALS = { bool: BOOL, nil: NIL, int: INT, float: FLOAT, string: STRING } as const;
// What it holds depends on the version. Nobody needs it in a condition.
const ENVIRONMENT = '$env';
const NEEDS_BOOLEAN: ReadonlySet<string> = new Set([
  'all',
  'none',
  'any',
  'one',
  'filter',
  'count',
  'find',
  'findIndex',
  'findLast',
  'findLastIndex',
]);

/**
 * Checks the names and types of a condition. Source: `checker/checker.go` of expr v1.15.5 and v1.17.7. Where something is
 * not known, anything is accepted.
 *
 * @param result - The type of what was measured.
 * @throws ConditionError - If upstream refuses the condition for every value of this type.
 */
export function check(condition: Node, dialect: Dialect, result: Type, steps: Steps): void {
  const type = new Checker(dialect, result, steps).typeOf(condition);
  if (!maybe(type, 'bool'))
    fail('result', startOf(condition), '', `the condition yields ${typeText(type)}, not true or false`);
}

/**
 * Checks the names and types of an expression that yields a point in time, of which no type is known.
 *
 * @throws ConditionError - If it yields something else, or upstream refuses it.
 */
export function checkTime(expression: Node, dialect: Dialect, steps: Steps): void {
  const type = new Checker(dialect, undefined, steps).typeOf(expression);
  if (!isAny(type)) fail('result', startOf(expression), '', `the expression yields ${typeText(type)}`);
}

function fail(kind: Problem['kind'], at: number, token: string, text: string): never {
  throw new ConditionError({ kind, at, token, text });
}

function startOf(node: Node): number {
  let at = node;
  while (at.type === 'binary' || at.type === 'member' || at.type === 'slice')
    at = at.type === 'binary' ? at.left : at.object;
  return at.at;
}

interface Scope {
  readonly element: Type;
  readonly variables: ReadonlyMap<string, Type>;
}

class Checker {
  readonly #is117: boolean;
  readonly #result: Type | undefined;
  readonly #steps: Steps;
  readonly #functions: ReadonlyMap<string, Signature>;
  readonly #added: ReadonlyMap<string, Signature>;
  readonly #predicates: ReadonlyMap<string, unknown>;
  readonly #variables = new Map<string, Type>();
  readonly #scopes: Scope[] = [];
  // The parser uses a part twice for `a ?: b` and `0 < a < 1`. Each part stands in one place, so it has one type.
  readonly #types = new Map<Node, Type>();

  constructor(dialect: Dialect, result: Type | undefined, steps: Steps) {
    this.#is117 = dialect === '1.17';
    this.#result = result;
    this.#steps = steps;
    this.#functions = functionsOf(dialect);
    this.#added = result === undefined ? FUNCTIONS_OF_TIMES : ADDED_FUNCTIONS;
    this.#predicates = this.#is117 ? PREDICATES_117 : PREDICATES_115;
  }

  typeOf(node: Node): Type {
    const known = this.#types.get(node);
    if (known !== undefined) return known;
    this.#steps.count++;
    const type = this.#typeOf(node);
    this.#types.set(node, type);
    return type;
  }

  #typeOf(node: Node): Type {
    switch (node.type) {
      case 'literal':
        return LITERALS[node.kind];
      case 'name':
        return this.#name(node.name, node.at);
      case 'pointer':
        return this.#pointer(node.name, node.at);
      case 'unary':
        return this.#unary(node.operator, this.typeOf(node.operand), node.at);
      case 'binary':
        return this.#binary(node);
      case 'member':
        return this.#member(node.object, node.property);
      case 'slice':
        return this.#slice(node);
      case 'call':
        return this.#call(node.callee, node.args, node.at);
      case 'builtin':
        return this.#builtin(node.name, node.args, node.at);
      default:
        return this.#whole(node);
    }
  }

  #whole(node: Extract<Node, { type: 'predicate' | 'let' | 'sequence' | 'map' | 'array' | 'conditional' }>): Type {
    switch (node.type) {
      case 'predicate':
        return this.typeOf(node.body);
      case 'let':
        return this.#declaration(node);
      case 'sequence':
        return node.parts.map((part) => this.typeOf(part)).at(-1) ?? ANY;
      case 'map':
        for (const part of node.parts) this.typeOf(part);
        return MAP;
      case 'array':
        return this.#array(node.parts);
      case 'conditional':
        return this.#conditional(node);
    }
  }

  #name(name: string, at: number): Type {
    const variable = this.#variables.get(name);
    if (variable !== undefined) return variable;
    if (name === RESULT && this.#result !== undefined) return this.#result;
    if (name === ENVIRONMENT) return ANY;
    if (this.#added.has(name) || this.#functions.has(name) || this.#predicates.has(name)) return FUNCTION;
    return fail('name', at, name, `unknown name ${name}`);
  }

  #pointer(name: string, at: number): Type {
    const scope = this.#scopes.at(-1);
    if (scope === undefined) return ANY;
    if (name === '') return scope.element;
    return scope.variables.get(name) ?? fail('name', at, `#${name}`, `unknown name #${name}`);
  }

  #unary(operator: string, type: Type, at: number): Type {
    const isLogical = operator === '!' || operator === 'not';
    if (isLogical ? maybe(type, 'bool') : maybeNumber(type)) return isLogical ? BOOL : type;
    return fail('types', at, operator, `${operator} cannot stand before ${typeText(type)}`);
  }

  #binary({ operator, left: first, right: second, at }: Extract<Node, { type: 'binary' }>): Type {
    const [left, right] = [this.typeOf(first), this.typeOf(second)];
    if (operator === 'matches') this.#checkPattern(second);
    const type = operate(operator, left, right);
    if (type !== undefined) return type;
    return fail('types', at, operator, `${operator} cannot stand between ${typeText(left)} and ${typeText(right)}`);
  }

  // Only a string that is written there is compiled at once. Another one may not be used.
  #checkPattern(pattern: Node): void {
    if (pattern.type !== 'literal' || pattern.kind !== 'string') return;
    this.#steps.count += pattern.value.length;
    const problem = patternProblemOf(pattern.value);
    if (problem !== undefined) fail('pattern', pattern.at, problem.part, `the regular expression ${problem.text}`);
  }

  #member(object: Node, property: Node): Type {
    if (object.type === 'name' && object.name === ENVIRONMENT) return ANY;
    const base = this.typeOf(object);
    return this.#elementOf(base, this.typeOf(property), property);
  }

  #elementOf(base: Type, key: Type, property: Node): Type {
    const { at } = property;
    const shown = property.type === 'literal' ? property.value : '';
    switch (base.kind) {
      case 'any':
        return ANY;
      case 'map':
        if (maybe(key, 'string') || key.kind === 'nil') return ANY;
        return fail('access', at, shown, `a map has no element ${typeText(key)}`);
      case 'list':
        if (maybeInteger(key)) return (this.#is117 ? base.seen : undefined) ?? base.element ?? ANY;
        return fail('access', at, shown, 'an element of a list is selected by its number');
      case 'struct':
        // A name that is computed is not known before it is used.
        if (property.type !== 'literal') return ANY;
        return base.fields?.get(shown) ?? fail('access', at, shown, `there is no field ${shown}`);
      default:
        return fail('access', at, shown, `${typeText(base)} has no fields or elements`);
    }
  }

  #slice({ object, from, to, at }: Extract<Node, { type: 'slice' }>): Type {
    const base = this.typeOf(object);
    // 1.17 does not look at the limits then.
    if (isAny(base)) return ANY;
    if (base.kind !== 'list' && base.kind !== 'string')
      return fail('access', at, '[', `${typeText(base)} has no elements`);
    for (const limit of [from, to]) {
      if (limit !== undefined && !maybeInteger(this.typeOf(limit)))
        return fail('access', limit.at, '', 'an element of a list is selected by its number');
    }
    return base;
  }

  #call(callee: Node, args: readonly Node[], at: number): Type {
    const added =
      callee.type === 'name' && !this.#variables.has(callee.name) ? this.#added.get(callee.name) : undefined;
    if (callee.type === 'name' && added !== undefined) return this.#apply(callee.name, added, args, at);
    const type = this.typeOf(callee);
    // Neither version looks at the arguments of a function of which nothing is known.
    if (isAny(type) || type.kind === 'function') return ANY;
    return fail('access', at, '(', `${typeText(type)} is not a function`);
  }

  #apply(name: string, signature: Signature, args: readonly Node[], at: number): Type {
    const type = signature(args.map((arg) => this.typeOf(arg)));
    return type ?? fail('arguments', at, name, `${name} does not take these arguments`);
  }

  #builtin(name: string, args: readonly Node[], at: number): Type {
    const [first, second] = args;
    if (first !== undefined && this.#predicates.has(name)) return this.#predicate(name, first, args.slice(1));
    if (name === 'get' && first !== undefined && second !== undefined && args.length === 2) {
      if (first.type === 'name' && first.name === ENVIRONMENT) return ANY;
      const base = this.typeOf(first);
      // 1.15 does not look at the key then.
      return isAny(base) ? ANY : this.#elementOf(base, this.typeOf(second), second);
    }
    const signature = this.#functions.get(name);
    return signature === undefined ? ANY : this.#apply(name, signature, args, at);
  }

  #predicate(name: string, collection: Node, rest: readonly Node[]): Type {
    const list = this.typeOf(collection);
    if (!maybe(list, 'list'))
      return fail('arguments', collection.at, name, `${name} takes a list, not ${typeText(list)}`);
    const element = (this.#is117 ? list.seen : undefined) ?? list.element ?? ANY;
    const [body, ...others] = rest;
    if (body === undefined) return name === 'count' ? INT : element;
    const variables = new Map<string, Type>();
    if (name === 'map' || name === 'reduce') variables.set('index', INT);
    if (name === 'reduce') variables.set('acc', ANY);
    this.#scopes.push({ element, variables });
    const type = this.typeOf(body);
    this.#scopes.pop();
    for (const other of others) this.typeOf(other);
    if (type.kind === 'nil') return fail('arguments', body.at, name, `what ${name} asks of an element yields nil`);
    if (NEEDS_BOOLEAN.has(name) && !maybe(type, 'bool'))
      return fail('arguments', body.at, name, `what ${name} asks of an element is not true or false`);
    return this.#ofPredicate(name, list, element, type);
  }

  #ofPredicate(name: string, list: Type, element: Type, type: Type): Type {
    const elements = (of: Type): Type => (this.#is117 ? listOf(ANY, of) : listOf(of));
    switch (name) {
      case 'all':
      case 'none':
      case 'any':
      case 'one':
        return BOOL;
      case 'count':
      case 'findIndex':
      case 'findLastIndex':
        return INT;
      case 'find':
      case 'findLast':
        return element;
      case 'filter':
        return elements(element);
      case 'map':
        return elements(type);
      case 'sortBy':
        return list;
      case 'reduce':
      case 'sum':
        return type;
      default:
        return ANY;
    }
  }

  #declaration({ name, value, body, at }: Extract<Node, { type: 'let' }>): Type {
    const isKnown =
      (name === RESULT && this.#result !== undefined) ||
      this.#added.has(name) ||
      this.#functions.has(name) ||
      this.#predicates.has(name);
    if (isKnown || this.#variables.has(name)) fail('declared', at, name, `${name} exists already`);
    const type = this.typeOf(value);
    this.#variables.set(name, type);
    const whole = this.typeOf(body);
    this.#variables.delete(name);
    return whole;
  }

  // 1.15 keeps the type of the elements for "in" only.
  #array(parts: readonly Node[]): Type {
    const types = parts.map((part) => this.typeOf(part));
    const [first] = types;
    const isSame = first !== undefined && first.kind !== 'nil' && types.every(({ kind }) => kind === first.kind);
    return listOf(ANY, isSame ? unseen(types.at(-1) ?? ANY) : ANY);
  }

  #conditional({ condition, yes, no }: Extract<Node, { type: 'conditional' }>): Type {
    const type = this.typeOf(condition);
    if (!maybe(type, 'bool'))
      fail('types', startOf(condition), '?', `${typeText(type)} is used as a condition, which needs true or false`);
    return either(unseen(this.typeOf(yes)), unseen(this.typeOf(no)));
  }
}
