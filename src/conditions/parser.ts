import { functionsOf } from './functions.ts';
import { ConditionError, UncertainError, type Dialect, type Problem, type Steps } from './problem.ts';
import { BINARY, NEGATABLE, ORDER, PREDICATES_115, PREDICATES_117, RIGHT, UNARY, type Node } from './syntax.ts';
import { isInteger, type Token } from './tokens.ts';

// No condition is nested as deep. The parser calls itself.
const MAX_DEPTH = 100;
const WORD_OPERATOR = /^[\p{L}_$]/u;

/**
 * Parses the tokens of a condition. Source: `parser/parser.go` of expr v1.15.5 and v1.17.7.
 *
 * @throws ConditionError - If the tokens are no condition.
 * @throws UncertainError - If the condition is nested too deep, or goes on with unknown text.
 */
export function parse(tokens: readonly Token[], dialect: Dialect, steps: Steps): Node {
  return new Parser(tokens, dialect, steps).parse();
}

class Parser {
  readonly #tokens: readonly Token[];
  readonly #steps: Steps;
  readonly #is117: boolean;
  readonly #predicates: typeof PREDICATES_115;
  readonly #functions: ReadonlyMap<string, unknown>;
  #position = 0;
  #depth = 0;
  #predicateDepth = 0;

  constructor(tokens: readonly Token[], dialect: Dialect, steps: Steps) {
    this.#tokens = tokens;
    this.#steps = steps;
    this.#is117 = dialect === '1.17';
    this.#predicates = this.#is117 ? PREDICATES_117 : PREDICATES_115;
    this.#functions = functionsOf(dialect);
  }

  parse(): Node {
    const node = this.#is117 ? this.#sequence() : this.#expression(0);
    if (this.#current.kind !== 'end') this.#unexpected();
    return node;
  }

  get #current(): Token {
    const token = this.#tokens[this.#position];
    if (token === undefined || token.kind === 'unknown') throw new UncertainError('unknown text');
    return token;
  }

  #next(): void {
    this.#steps.count++;
    if (this.#current.kind === 'end') this.#unexpected();
    this.#position++;
  }

  #isOperator(value: string): boolean {
    return this.#is('operator', value);
  }

  #isBracket(value: string): boolean {
    return this.#is('bracket', value);
  }

  #is(kind: Token['kind'], value: string): boolean {
    const { kind: current, value: text } = this.#current;
    return current === kind && text === value;
  }

  #expect(kind: Token['kind'], value?: string): Token {
    const token = this.#current;
    if (token.kind !== kind || (value !== undefined && token.value !== value)) this.#unexpected();
    this.#next();
    return token;
  }

  #unexpected(): never {
    const { kind, value, at } = this.#current;
    if (kind === 'end') fail({ kind: 'end', at, token: '', text: 'unexpected end' });
    const shown = kind === 'string' ? `"${value}"` : value;
    fail({ kind: 'token', at, token: value, text: `unexpected ${shown}` });
  }

  // Every way into deeper nesting comes through here.
  #expression(precedence: number): Node {
    if (this.#depth >= MAX_DEPTH) throw new UncertainError('nested too deep');
    this.#depth++;
    const node = this.#expressionWithin(precedence);
    this.#depth--;
    return node;
  }

  #sequence(): Node {
    const first = this.#expression(0);
    const parts = [first];
    while (this.#isOperator(';')) {
      this.#next();
      if (this.#current.kind === 'end') break;
      parts.push(this.#expression(0));
    }
    return parts.length === 1 ? first : { type: 'sequence', parts, at: first.at };
  }

  // In 1.17, brackets hold sequences.
  #bracketed(): Node {
    return this.#is117 ? this.#sequence() : this.#expression(0);
  }

  #expressionWithin(precedence: number): Node {
    if (precedence === 0 && this.#isOperator('let')) return this.#declaration();
    if (precedence === 0 && this.#isOperator('if')) return this.#conditionalIf();
    const node = this.#operations(this.#primary(), precedence);
    return precedence === 0 ? this.#conditional(node) : node;
  }

  #operations(start: Node, precedence: number): Node {
    let left = start;
    let previous = '';
    while (this.#current.kind === 'operator') {
      let operator = this.#current;
      let isNegated = false;
      if (operator.value === 'not') {
        const before = this.#position;
        this.#next();
        operator = this.#current;
        isNegated = true;
        if (this.#is117) {
          if (!NEGATABLE.has(operator.value)) this.#unexpected();
          if ((BINARY.get(operator.value) ?? 0) < precedence) {
            this.#position = before;
            return left;
          }
        }
      }
      const found = BINARY.get(operator.value);
      if (found === undefined || found < precedence) return left;
      this.#next();
      if (operator.value === '|') left = this.#pipe(left);
      else {
        if (previous === '??' && operator.value !== '??')
          fail({
            kind: 'mixed',
            at: operator.at,
            token: operator.value,
            text: `?? and ${operator.value} need parentheses between them`,
          });
        left = this.#operation(left, operator, found, isNegated);
      }
      previous = operator.value;
    }
    return left;
  }

  #operation(left: Node, { value: operator, at }: Token, precedence: number, isNegated: boolean): Node {
    if (this.#is117 && ORDER.has(operator)) return this.#comparison(left, operator, at, precedence);
    const right = this.#expression(RIGHT.has(operator) ? precedence : precedence + 1);
    const node: Node = { type: 'binary', operator, left, right, at };
    return isNegated ? { type: 'unary', operator: 'not', operand: node, at } : node;
  }

  // 1 < result < 5 means 1 < result and result < 5.
  #comparison(left: Node, first: string, firstAt: number, precedence: number): Node {
    let [previous, operator, at] = [left, first, firstAt];
    let whole: Node | undefined;
    for (;;) {
      const right = this.#expression(precedence + 1);
      const one: Node = { type: 'binary', operator, left: previous, right, at };
      whole = whole === undefined ? one : { type: 'binary', operator: '&&', left: whole, right: one, at };
      previous = right;
      const next = this.#current;
      if (next.kind !== 'operator' || !ORDER.has(next.value)) return whole;
      ({ value: operator, at } = next);
      this.#next();
    }
  }

  #declaration(): Node {
    this.#next();
    const { value: name, at } = this.#expect('identifier');
    this.#expect('operator', '=');
    const value = this.#expression(0);
    this.#expect('operator', ';');
    const body = this.#bracketed();
    return { type: 'let', name, value, body, at };
  }

  #conditionalIf(): Node {
    const { at } = this.#current;
    this.#next();
    const condition = this.#expression(0);
    const yes = this.#block();
    this.#expect('operator', 'else');
    if (!this.#isOperator('if')) return { type: 'conditional', condition, yes, no: this.#block(), at };
    if (this.#depth >= MAX_DEPTH) throw new UncertainError('nested too deep');
    this.#depth++;
    const no = this.#conditionalIf();
    this.#depth--;
    return { type: 'conditional', condition, yes, no, at };
  }

  #block(): Node {
    this.#expect('bracket', '{');
    const node = this.#sequence();
    this.#expect('bracket', '}');
    return node;
  }

  #conditional(start: Node): Node {
    let node = start;
    while (this.#isOperator('?')) {
      const { at } = this.#current;
      this.#next();
      let yes = node;
      if (!this.#isOperator(':')) yes = this.#expression(0);
      this.#expect('operator', ':');
      node = { type: 'conditional', condition: node, yes, no: this.#expression(0), at };
    }
    return node;
  }

  #primary(): Node {
    const token = this.#current;
    const { kind, value, at } = token;
    if (kind === 'operator') {
      const precedence = UNARY.get(value);
      if (precedence !== undefined) {
        this.#next();
        const operand = this.#expression(precedence);
        return this.#postfix({ type: 'unary', operator: value, operand, at });
      }
      if (this.#predicateDepth > 0 && (value === '#' || value === '.')) return this.#pointer(token);
      if (this.#is117 && value === '::') {
        this.#next();
        return this.#postfix(this.#call(this.#expect('identifier'), []));
      }
    }
    if (kind === 'bracket' && value === '(') {
      this.#next();
      const node = this.#bracketed();
      this.#expect('bracket', ')');
      return this.#postfix(node);
    }
    return this.#secondary(token);
  }

  // The element: # or the . of a field, which is left to be read as one.
  #pointer({ value, at }: Token): Node {
    let name = '';
    if (value === '#') {
      this.#next();
      if (this.#current.kind === 'identifier') {
        name = this.#current.value;
        this.#next();
      }
    }
    return this.#postfix({ type: 'pointer', name, at });
  }

  #secondary(token: Token): Node {
    const { kind, value, at } = token;
    if (kind === 'identifier') {
      this.#next();
      if (value === 'true' || value === 'false') return { type: 'literal', kind: 'bool', value, at };
      if (value === 'nil') return { type: 'literal', kind: 'nil', value, at };
      return this.#postfix(this.#isBracket('(') ? this.#call(token, []) : { type: 'name', name: value, at });
    }
    if (kind === 'number') {
      this.#next();
      return { type: 'literal', kind: isInteger(value) ? 'int' : 'float', value, at };
    }
    if (kind === 'string') {
      this.#next();
      return this.#postfix({ type: 'literal', kind: 'string', value, at });
    }
    if (this.#isBracket('[')) return this.#postfix(this.#array());
    if (this.#isBracket('{')) return this.#postfix(this.#map());
    return this.#unexpected();
  }

  #pipe(left: Node): Node {
    return this.#call(this.#expect('identifier'), [left]);
  }

  #call({ value: name, at }: Token, before: readonly Node[]): Node {
    const parameters = this.#predicates.get(name);
    if (parameters !== undefined) {
      this.#expect('bracket', '(');
      const args = [...before];
      for (const [index, parameter] of parameters.slice(before.length).entries()) {
        const isOptional = parameter.startsWith('optional');
        if (isOptional && (this.#is117 ? this.#isBracket(')') : !this.#isOperator(','))) break;
        if (index > 0) this.#expect('operator', ',');
        args.push(parameter.endsWith('predicate') ? this.#predicate() : this.#expression(0));
      }
      if (this.#is117 && this.#isOperator(',')) this.#next();
      this.#expect('bracket', ')');
      return { type: 'builtin', name, args, at };
    }
    const args = this.#arguments(before);
    if (this.#functions.has(name)) return { type: 'builtin', name, args, at };
    return { type: 'call', callee: { type: 'name', name, at }, args, at };
  }

  #arguments(before: readonly Node[]): readonly Node[] {
    this.#expect('bracket', '(');
    const args: Node[] = [];
    while (!this.#isBracket(')')) {
      if (args.length > 0) this.#expect('operator', ',');
      if (this.#is117 && this.#isBracket(')')) break;
      args.push(this.#expression(0));
    }
    this.#next();
    return [...before, ...args];
  }

  #predicate(): Node {
    const { at } = this.#current;
    const hasBraces = this.#isBracket('{');
    if (hasBraces) this.#next();
    this.#predicateDepth++;
    const body = hasBraces ? this.#bracketed() : this.#expression(0);
    if (!hasBraces && this.#isOperator(';')) this.#unexpected();
    this.#predicateDepth--;
    if (hasBraces) this.#expect('bracket', '}');
    return { type: 'predicate', body, at };
  }

  #array(): Node {
    const { at } = this.#expect('bracket', '[');
    const parts: Node[] = [];
    while (!this.#isBracket(']')) {
      if (parts.length > 0) {
        this.#expect('operator', ',');
        if (this.#isBracket(']')) break;
      }
      parts.push(this.#expression(0));
    }
    this.#next();
    return { type: 'array', parts, at };
  }

  #map(): Node {
    const { at } = this.#expect('bracket', '{');
    const parts: Node[] = [];
    while (!this.#isBracket('}')) {
      if (parts.length > 0) {
        this.#expect('operator', ',');
        if (this.#isBracket('}')) break;
      }
      const key = this.#current;
      if (key.kind === 'number' || key.kind === 'string' || key.kind === 'identifier') this.#next();
      else if (this.#isBracket('(')) parts.push(this.#expression(0));
      else this.#unexpected();
      this.#expect('operator', ':');
      parts.push(this.#expression(0));
    }
    this.#next();
    return { type: 'map', parts, at };
  }

  #postfix(start: Node): Node {
    let node = start;
    for (;;) {
      const { kind, value, at } = this.#current;
      if (kind !== 'operator' && kind !== 'bracket') return node;
      if (value === '.' || value === '?.') {
        this.#next();
        if (this.#is117 && value === '?.' && this.#isBracket('[')) node = this.#element(node, at);
        else node = this.#field(node);
      } else if (value === '[') node = this.#element(node, at);
      else return node;
    }
  }

  #field(object: Node): Node {
    const { kind, value, at } = this.#current;
    if (kind !== 'identifier' && !(kind === 'operator' && WORD_OPERATOR.test(value))) this.#unexpected();
    this.#next();
    const property: Node = { type: 'literal', kind: 'string', value, at };
    const member: Node = { type: 'member', object, property, at };
    return this.#isBracket('(') ? { type: 'call', callee: member, args: this.#arguments([]), at } : member;
  }

  #element(object: Node, at: number): Node {
    this.#expect('bracket', '[');
    const from = this.#isOperator(':') ? undefined : this.#expression(0);
    if (from !== undefined && !this.#isOperator(':')) {
      this.#expect('bracket', ']');
      return { type: 'member', object, property: from, at };
    }
    this.#expect('operator', ':');
    const to = this.#isBracket(']') ? undefined : this.#expression(0);
    this.#expect('bracket', ']');
    return { type: 'slice', object, from, to, at };
  }
}

function fail(problem: Problem): never {
  throw new ConditionError(problem);
}
