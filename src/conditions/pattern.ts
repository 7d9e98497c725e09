const PROBLEMS = {
  open: () => 'has no closing )',
  close: () => 'has a ) without a (',
  class: () => 'has no closing ]',
  nothing: (part: string) => `has nothing before ${part} that it could repeat`,
  twice: (part: string) => `has two repetitions in a row, ${part}`,
  count: (part: string) => `has the invalid repeat count ${part}`,
  backslash: () => 'ends with a backslash',
  escape: (part: string) => `has the unknown escape ${part}`,
  group: (part: string) => `has the unknown group ${part}`,
  name: (part: string) => `has the unknown class ${part}`,
  range: (part: string) => `has the invalid range ${part}`,
} as const;

/** Why Go does not compile a regular expression. */
export interface PatternProblem {
  readonly kind: keyof typeof PROBLEMS;
  /** The part of the expression that is wrong, at most 30 characters of it. */
  readonly part: string;
  /** The problem, as the rest of a sentence about the expression. */
  readonly text: string;
}

const MAX_PART = 30;

/**
 * Returns why Go certainly refuses a regular expression, or undefined if it may compile. Names of Unicode classes and the
 * size of the compiled expression are not checked. Source: package `regexp/syntax` of Go 1.26, `parse.go`, with the flags
 * of `regexp.Compile`; groups as `(?<name>a)` are there since Go 1.22, with which no supported controller is older.
 * The package re2js, which matches names of metrics, would compile the expression too, and that may take seconds.
 */
export function patternProblemOf(pattern: string): PatternProblem | undefined {
  try {
    new Reader(pattern).read();
    return undefined;
  } catch (error) {
    if (error instanceof PatternError) return error.problem;
    throw error;
  }
}

class PatternError extends Error {
  readonly problem: PatternProblem;

  constructor(problem: PatternProblem) {
    super(problem.kind);
    this.problem = problem;
  }
}

const MAX_REPEAT = 1000;
const COUNTS = /\{(0|[1-9][0-9]*)(?:(,)(0|[1-9][0-9]*)?)?\}/y;
const FLAGS = /\(\?[imsU]*(?:-[imsU]+)?([:)])/y;
const NAMED_GROUP = /\(\?P?<\w+>/y;
const ESCAPE =
  /\\(?:(0[0-7]{0,2}|[1-7][0-7]{1,2})|x(?:\{([0-9a-fA-F]+)\}|([0-9a-fA-F]{2}))|([afnrtv])|([^0-9A-Za-z\u0080-\uffff]))/y;
const CLASS_ESCAPE = /\\[dDsSwW]/y;
const PLACE_ESCAPE = /\\[AbBz]/y;
// Which names there are depends on the version of Go.
const UNICODE_CLASS = /\\p(?:\{\^?[\w -]*\}|[CLMNPSZ])/iy;
const NAMED_CLASSES: ReadonlySet<string> = new Set([
  ...['alnum', 'alpha', 'ascii', 'blank', 'cntrl', 'digit', 'graph'],
  ...['lower', 'print', 'punct', 'space', 'upper', 'word', 'xdigit'],
]);
const CONTROL_ESCAPES: Readonly<Record<string, number>> = { a: 7, f: 12, n: 10, r: 13, t: 9, v: 11 };
const MAX_CODE_POINT = 0x10_ff_ff;
// Outside of these, the order of two characters is not certain: expr 1.15 rewrites line ends, and surrogates stand for
// other characters.
const FIRST_PRINTABLE = 0x20;
const FIRST_SURROGATE = 0xd8_00;

/** The alternatives of a group so far, as how often they repeat what they hold. */
interface Group {
  most: number;
  /** Undefined if there is nothing that could be repeated. */
  last: number | undefined;
}

class Reader {
  readonly #pattern: string;
  readonly #lastNameEnd: number;
  readonly #outer: Group[] = [];
  #group: Group = { most: 1, last: undefined };
  #at = 0;
  // Where the repetition begins that has just been read.
  #repetition: number | undefined;

  constructor(pattern: string) {
    this.#pattern = pattern;
    this.#lastNameEnd = pattern.lastIndexOf(':]');
  }

  read(): void {
    while (this.#at < this.#pattern.length) {
      const start = this.#at;
      const isRepetition = this.#readNext();
      this.#repetition = isRepetition ? start : undefined;
    }
    if (this.#outer.length > 0) this.#fail('open', this.#at, this.#at);
  }

  #readNext(): boolean {
    switch (this.#pattern[this.#at]) {
      case '*':
      case '+':
      case '?':
        this.#at++;
        this.#repeat(0, -1);
        return true;
      case '{':
        return this.#readCounts();
      case '(':
        this.#open();
        return false;
      case ')':
        this.#close();
        return false;
      case '|':
        this.#at++;
        this.#push(undefined);
        return false;
      case '[':
        this.#readClass();
        break;
      case '\\':
        if (this.#pattern[this.#at + 1] === 'Q') return this.#readQuoted();
        if (this.#take(PLACE_ESCAPE) === undefined && !this.#takeClass()) this.#readEscape();
        break;
      default:
        this.#at++;
    }
    this.#push(1);
    return false;
  }

  #readCounts(): boolean {
    const start = this.#at;
    const [, least = '', comma, most] = this.#take(COUNTS) ?? [];
    if (least === '') {
      this.#at++;
      this.#push(1);
      return false;
    }
    const min = Number(least);
    const max = comma === undefined ? min : Number(most ?? -1);
    if (Math.max(min, max) > MAX_REPEAT || (max >= 0 && min > max)) this.#fail('count', start, this.#at);
    this.#repeat(min, max, start);
    return true;
  }

  #repeat(min: number, max: number, start = this.#at - 1): void {
    if (this.#pattern[this.#at] === '?') this.#at++;
    if (this.#repetition !== undefined) this.#fail('twice', this.#repetition, this.#at);
    const { last } = this.#group;
    if (last === undefined) this.#fail('nothing', start, this.#at);
    this.#group.last = last * (max < 0 ? Math.max(min, 1) : max);
    if (this.#group.last > MAX_REPEAT) this.#fail('count', start, this.#at);
  }

  #open(): void {
    const start = this.#at;
    if (this.#pattern[start + 1] !== '?') this.#at++;
    else if (this.#take(NAMED_GROUP) === undefined) {
      const end = this.#take(FLAGS)?.[1];
      if (end === ')') return;
      const isAngled = this.#pattern[start + 2] === '<' || this.#pattern[start + 2] === 'P';
      if (end === undefined) this.#fail('group', start, start + (isAngled ? 4 : 3));
    }
    this.#outer.push(this.#group);
    this.#group = { most: 1, last: undefined };
  }

  #close(): void {
    this.#at++;
    const outer = this.#outer.pop();
    if (outer === undefined) this.#fail('close', this.#at - 1, this.#at);
    this.#push(undefined);
    const { most } = this.#group;
    this.#group = outer;
    this.#push(most);
  }

  // What is pushed next can be repeated, and what was pushed before cannot any more.
  #push(last: number | undefined): void {
    this.#group.most = Math.max(this.#group.most, this.#group.last ?? 1);
    this.#group.last = last;
  }

  #readQuoted(): false {
    const start = this.#at + 2;
    const end = this.#pattern.indexOf('\\E', start);
    this.#at = end < 0 ? this.#pattern.length : end + 2;
    if (end !== start && start < this.#pattern.length) this.#push(1);
    return false;
  }

  #readClass(): void {
    const start = this.#at;
    this.#at += this.#pattern[start + 1] === '^' ? 2 : 1;
    let isFirst = true;
    while (this.#pattern[this.#at] !== ']' || isFirst) {
      isFirst = false;
      if (this.#readNamedClass() || this.#takeClass()) continue;
      const from = this.#at;
      const low = this.#readClassCharacter(start);
      const next = this.#pattern[this.#at + 1];
      if (this.#pattern[this.#at] !== '-' || next === undefined || next === ']') continue;
      this.#at++;
      const high = this.#readClassCharacter(start);
      if (FIRST_PRINTABLE <= high && high < low && low < FIRST_SURROGATE) this.#fail('range', from, this.#at);
    }
    this.#at++;
  }

  #readNamedClass(): boolean {
    const start = this.#at;
    if (!this.#pattern.startsWith('[:', start) || this.#lastNameEnd < start + 2) return false;
    const end = this.#pattern.indexOf(':]', start + 2);
    this.#at = end + 2;
    if (!NAMED_CLASSES.has(this.#pattern.slice(start + 2, end).replace(/^\^/, ''))) this.#fail('name', start, this.#at);
    return true;
  }

  #readClassCharacter(start: number): number {
    const char = this.#pattern[this.#at];
    if (char === undefined) this.#fail('class', start, this.#at);
    if (char === '\\') return this.#readEscape();
    this.#at++;
    return char.charCodeAt(0);
  }

  #takeClass(): boolean {
    const start = this.#at;
    if (this.#take(CLASS_ESCAPE) !== undefined || this.#take(UNICODE_CLASS) !== undefined) return true;
    if (/^\\[pP]/.test(this.#pattern.slice(start, start + 2))) this.#fail('name', start, start + 3);
    return false;
  }

  #readEscape(): number {
    const start = this.#at;
    if (start + 1 === this.#pattern.length) this.#fail('backslash', start, start + 1);
    const [, octal, braced, hex = braced, control, other] = this.#take(ESCAPE) ?? [];
    if (other !== undefined) return other.charCodeAt(0);
    if (control !== undefined) return CONTROL_ESCAPES[control] ?? 0;
    const code = octal === undefined ? parseInt(hex ?? 'none', 16) : parseInt(octal, 8);
    if (code <= MAX_CODE_POINT) return code;
    return this.#fail('escape', start, start + 2);
  }

  #take(expression: RegExp): RegExpExecArray | undefined {
    expression.lastIndex = this.#at;
    const found = expression.exec(this.#pattern) ?? undefined;
    this.#at += found?.[0].length ?? 0;
    return found;
  }

  #fail(kind: PatternProblem['kind'], from: number, to: number): never {
    const part = this.#pattern.slice(from, Math.min(to, from + MAX_PART));
    throw new PatternError({ kind, part, text: PROBLEMS[kind](part) });
  }
}
