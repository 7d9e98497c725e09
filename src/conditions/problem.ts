/** The versions of expr, the language of conditions: Argo Rollouts 1.9 has 1.15, Argo Rollouts 1.10 has 1.17. */
export type Dialect = '1.15' | '1.17';

/** The dialects, the oldest first. */
export const DIALECTS = ['1.15', '1.17'] as const satisfies readonly Dialect[];

/** Why a condition does not compile. */
export interface Problem {
  /**
   * `character`: no token begins so. `text`: a quoted text has no end or a bad escape. `number`: not a number.
   * `token`: the token cannot stand there. `end`: something is missing at the end. `mixed`: `??` and another operator
   * without parentheses. `name`: the name is unknown. `types`: the operands do not fit. `arguments`: the arguments do
   * not fit. `access`: the value has no fields or elements, or not these. `declared`: the variable exists already.
   * `result`: the condition is not true or false. `comment`: a comment has no end. `pattern`: a regular expression does
   * not compile.
   */
  readonly kind:
    | 'character'
    | 'text'
    | 'number'
    | 'token'
    | 'end'
    | 'mixed'
    | 'name'
    | 'types'
    | 'arguments'
    | 'access'
    | 'declared'
    | 'result'
    | 'comment'
    | 'pattern';
  /** The offset in the condition. */
  readonly at: number;
  /** The token or name there, or an empty text. */
  readonly token: string;
  /** The problem in plain words. */
  readonly text: string;
}

/** Thrown inside this folder when a condition cannot compile. */
export class ConditionError extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.text);
    this.problem = problem;
  }
}

/** Thrown inside this folder when nothing certain can be said. */
export class UncertainError extends Error {}

/** Counts the steps of one compilation. */
export class Steps {
  /** Steps so far. */
  count = 0;
}
