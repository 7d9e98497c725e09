import { ConditionError, type Dialect, type Problem, type Steps } from './problem.ts';

/** A token of a condition. `unknown` stands for text that is not known, and ends the tokens as `end` does. */
export interface Token {
  readonly kind: 'identifier' | 'number' | 'string' | 'operator' | 'bracket' | 'end' | 'unknown';
  /** The text; the content of a string, unescaped. */
  readonly value: string;
  readonly at: number;
}

const WORD_OPERATORS: ReadonlySet<string> = new Set([
  'not',
  'in',
  'or',
  'and',
  'matches',
  'contains',
  'startsWith',
  'endsWith',
  'let',
]);
const SPACES = /[\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/uy;
const WORD = /[\p{L}\p{Nd}_$]+/uy;
const NUMBER =
  /0[xX][0-9a-fA-F_]*(?:\.(?!\.)[0-9a-fA-F_]*)?|(?:0[oO][0-7_]*|0[bB][01_]*|[0-9][0-9_]*|(?=\.[0-9]))(?:\.(?!\.)[0-9_]*)?(?:[eE][+-]?[0-9_]*)?/uy;
const OPERATOR = /\?[.?]?|#{1,2}|\|{1,2}|[&!=*<>][&=*]?|\.{1,2}|[,:;%+^/-]/uy;
const NAMESPACE = /::/uy;
const COMMENT = /\/\/[^\n]*\n?|\/\*[^]*?\*\//uy;
const BRACKETS = '([{)]}';
const ESCAPE = /\\(?:([abfnrtv\\'"])|([0-3][0-7]{2})|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))/uy;
const BRACED_ESCAPE = /\\u\{([0-9a-fA-F]{1,6})\}/uy;
const CONTROL_ESCAPES: Readonly<Record<string, string>> = {
  a: '\u0007',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};
const MAX_CODE_POINT = 0x10ffff;

/**
 * Splits a condition into tokens. Source: `parser/lexer` of expr v1.15.5 and v1.17.7.
 *
 * @param isPrefix - Whether unknown text follows. The last token may then be part of a longer one, so it is not there.
 * @throws ConditionError - If a part of the text is no token.
 */
export function tokenize(text: string, dialect: Dialect, isPrefix: boolean, steps: Steps): readonly Token[] {
  const lexer = new Lexer(text, dialect, isPrefix, steps);
  return lexer.tokens();
}

class Lexer {
  readonly #text: string;
  readonly #dialect: Dialect;
  readonly #is117: boolean;
  readonly #isPrefix: boolean;
  readonly #steps: Steps;
  readonly #tokens: Token[] = [];
  #at = 0;

  constructor(text: string, dialect: Dialect, isPrefix: boolean, steps: Steps) {
    this.#text = text;
    this.#dialect = dialect;
    this.#is117 = dialect === '1.17';
    this.#isPrefix = isPrefix;
    this.#steps = steps;
  }

  tokens(): readonly Token[] {
    while (this.#at < this.#text.length) {
      this.#steps.count++;
      const at = this.#at;
      if (this.#take(SPACES) !== undefined) continue;
      const before = this.#tokens.length;
      try {
        this.#next(at);
      } catch (error) {
        // With what follows, it may be something else.
        if (this.#isPrefix && error instanceof ConditionError && this.#at >= this.#text.length) return this.#open(at);
        throw error;
      }
      if (this.#isPrefix && this.#at >= this.#text.length) {
        this.#tokens.length = before;
        return this.#open(at);
      }
    }
    if (this.#isPrefix) return this.#open(this.#at);
    this.#push('end', '', this.#text.length);
    return this.#tokens;
  }

  #open(at: number): readonly Token[] {
    this.#push('unknown', '', at);
    return this.#tokens;
  }

  #next(at: number): void {
    const char = this.#text[at] ?? '';
    if (char === '"' || char === "'") this.#string(char, at);
    else if (char === '`' && this.#is117) this.#rawString(at);
    else if (this.#text.startsWith('//', at) || this.#text.startsWith('/*', at)) this.#comment(at);
    else if (BRACKETS.includes(char)) {
      this.#at++;
      this.#push('bracket', char, at);
    } else this.#longest(at);
  }

  // Numbers may begin with a dot, which may also be an operator.
  #longest(at: number): void {
    const number = this.#take(NUMBER) ?? '';
    if (number !== '') return this.#number(number, at);
    const word = this.#take(WORD);
    if (word === undefined) return this.#operator(at);
    const isOperator = WORD_OPERATORS.has(word) || (this.#is117 && (word === 'if' || word === 'else'));
    this.#push(isOperator ? 'operator' : 'identifier', word, at);
  }

  #operator(at: number): void {
    const operator = (this.#is117 ? this.#take(NAMESPACE) : undefined) ?? this.#take(OPERATOR);
    if (operator === undefined) {
      const found = String.fromCodePoint(this.#text.codePointAt(at) ?? 0);
      this.#at += found.length;
      throw failure({ kind: 'character', at, token: found, text: `the character ${found} has no meaning` });
    }
    this.#push('operator', operator, at);
    if (!operator.startsWith('#')) return;
    const nameAt = this.#at;
    const name = this.#take(WORD);
    if (name !== undefined) this.#push('identifier', name, nameAt);
  }

  #comment(at: number): void {
    if (this.#take(COMMENT) !== undefined) return;
    this.#at = this.#text.length;
    throw failure({ kind: 'comment', at, token: '/*', text: 'the comment has no end' });
  }

  #number(token: string, at: number): void {
    const rest = this.#take(WORD);
    if (rest !== undefined || !isNumber(token.replaceAll('_', ''), this.#dialect))
      throw failure({
        kind: 'number',
        at,
        token: token + (rest ?? ''),
        text: `${token}${rest ?? ''} is not a number`,
      });
    this.#push('number', token, at);
  }

  #string(quote: string, at: number): void {
    let value = '';
    this.#at++;
    for (;;) {
      this.#steps.count++;
      const char = this.#text[this.#at];
      if (char === undefined || char === '\n') {
        this.#at = char === undefined ? this.#at : this.#at + 1;
        throw failure({ kind: 'text', at, token: quote, text: `the string that begins with ${quote} is not closed` });
      }
      if (char === '\\') value += this.#escape(quote);
      else {
        value += char;
        this.#at++;
        if (char === quote) break;
      }
    }
    this.#push('string', value.slice(0, -1), at);
  }

  #escape(quote: string): string {
    const start = this.#at;
    const braced = this.#is117 ? this.#match(BRACED_ESCAPE)?.[1] : undefined;
    const [, simple, octal, ...hex] = braced === undefined ? (this.#match(ESCAPE) ?? []) : [];
    if (simple !== undefined && (simple === quote || !`'"`.includes(simple))) return CONTROL_ESCAPES[simple] ?? simple;
    const code = octal === undefined ? (braced ?? hex.find((digits) => digits !== undefined)) : undefined;
    const point = octal === undefined ? parseInt(code ?? 'none', 16) : parseInt(octal, 8);
    if (point <= MAX_CODE_POINT) return String.fromCodePoint(point);
    // An escape that ends with the known text may go on.
    const end = this.#isPrefix ? this.#text.length : start;
    this.#at = Math.max(this.#at, end);
    throw failure({
      kind: 'text',
      at: start,
      token: this.#text.slice(start, start + 2),
      text: 'invalid escape sequence',
    });
  }

  #rawString(at: number): void {
    let value = '';
    let from = at + 1;
    for (;;) {
      this.#steps.count++;
      const end = this.#text.indexOf('`', from);
      if (end < 0) {
        this.#at = this.#text.length;
        throw failure({ kind: 'text', at, token: '`', text: 'the string that begins with ` is not closed' });
      }
      value += this.#text.slice(from, end);
      from = end + 1;
      if (this.#text[from] !== '`') break;
      value += '`';
      from++;
    }
    this.#at = from;
    this.#push('string', value, at);
  }

  #take(pattern: RegExp): string | undefined {
    return this.#match(pattern)?.[0];
  }

  #match(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text) ?? undefined;
    this.#at += found?.[0].length ?? 0;
    return found;
  }

  #push(kind: Token['kind'], value: string, at: number): void {
    this.#tokens.push({ kind, value, at });
  }
}

const DECIMAL = /^[0-9]+$/;
const FLOAT = /^(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$/;
const HEX = /^0[xX][0-9a-fA-F]+$/;
const OTHER_BASE = /^0(?:[oO][0-7]+|[bB][01]+)$/;
const MAX_INTEGER = 2n ** 63n - 1n;

// In 1.15 only a small x makes a number hexadecimal, and there are no other bases.
function isNumber(text: string, dialect: Dialect): boolean {
  if (DECIMAL.test(text)) return BigInt(text) <= MAX_INTEGER;
  if (FLOAT.test(text)) return Number.isFinite(Number(text));
  if (dialect === '1.15' && !text.startsWith('0x')) return false;
  return (HEX.test(text) || OTHER_BASE.test(text)) && BigInt(text.toLowerCase()) <= MAX_INTEGER;
}

/** Returns whether the text of a number is an integer. */
export function isInteger(text: string): boolean {
  return /^(?:[0-9_]+|0[xXoObB].*)$/.test(text);
}

function failure(problem: Problem): ConditionError {
  return new ConditionError(problem);
}
