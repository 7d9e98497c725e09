import { check, checkTime } from './checker.ts';
import { RESULT } from './functions.ts';
import { parse } from './parser.ts';
import { ConditionError, DIALECTS, Steps, UncertainError, type Dialect, type Problem } from './problem.ts';
import type { Node } from './syntax.ts';
import { tokenize, type Token } from './tokens.ts';
import { ANY, type Type } from './types.ts';

/** The longest condition that is looked at, in characters. */
export const MAX_LENGTH = 2_000;

const OPEN = '{{';
// Argo Rollouts hands the result to these, whatever their argument is. The others differ at each measurement too.
const USES_RESULT: ReadonlySet<string> = new Set([RESULT, 'default', 'isNil', '$env', 'now', 'date']);

/**
 * Returns why no measurement can evaluate a condition, or undefined if one may. Says nothing where it is not certain:
 * about conditions that are too long or nested too deep, and about what depends on the value of a placeholder. Only what
 * stands before the first placeholder is judged then.
 *
 * @param types - The types that what was measured can have.
 * @param steps - Counts the steps, which grow with the length of the condition.
 */
export function problemOf(
  condition: string,
  dialect: Dialect,
  types: readonly Type[] = [ANY],
  steps: Steps = new Steps(),
): Problem | undefined {
  return problemWith(condition, dialect, steps, (node) => {
    let first: Problem | undefined;
    for (const type of types) {
      const problem = problemIn(() => {
        check(node, dialect, type, steps);
      });
      if (problem === undefined) return undefined;
      first ??= problem;
    }
    return first;
  });
}

function problemWith(
  expression: string,
  dialect: Dialect,
  steps: Steps,
  problemIn: (node: Node) => Problem | undefined,
): Problem | undefined {
  if (expression.length > MAX_LENGTH) return undefined;
  try {
    return problemIn(parse(tokensOf(expression, dialect, steps), dialect, steps));
  } catch (error) {
    if (error instanceof ConditionError) return error.problem;
    if (error instanceof UncertainError) return undefined;
    throw error;
  }
}

/**
 * Returns why an expression never yields a point in time, or undefined if it may. It has no result to read.
 */
export function timeProblemOf(expression: string, dialect: Dialect, steps: Steps = new Steps()): Problem | undefined {
  return problemWith(expression, dialect, steps, (node) =>
    problemIn(() => {
      checkTime(node, dialect, steps);
    }),
  );
}

function problemIn(run: () => void): Problem | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    if (error instanceof ConditionError) return error.problem;
    throw error;
  }
}

/** Reports whether a condition yields the same for every result. A condition with a placeholder is not judged. */
export function isConstant(condition: string): boolean {
  if (condition.length > MAX_LENGTH || condition.includes(OPEN)) return false;
  const tokens = wholeTokens(condition);
  return tokens !== undefined && !tokens.some(({ kind, value }) => kind === 'identifier' && USES_RESULT.has(value));
}

/** Returns the identifiers and operators of a condition in order; undefined if these are not known. */
export function wholeTokens(condition: string): readonly Token[] | undefined {
  if (condition.length > MAX_LENGTH) return undefined;
  try {
    return tokenize(condition.replaceAll(/\{\{[^]*?\}\}/g, ' 0 '), DIALECTS[1], false, new Steps());
  } catch (error) {
    if (error instanceof ConditionError) return undefined;
    throw error;
  }
}

function tokensOf(condition: string, dialect: Dialect, steps: Steps): readonly Token[] {
  const hole = condition.indexOf(OPEN);
  return tokenize(hole < 0 ? condition : condition.slice(0, hole), dialect, hole >= 0, steps);
}
