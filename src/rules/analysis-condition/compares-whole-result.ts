const TOKEN = /\s+|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[A-Za-z_$][\w$]*|[0-9]+(?:\.[0-9]+)?|[=!<>]=|&&|\|\||\?\.|[^]/g;
// Whatever its first argument is, it returns the whole result unless that is nil (utils/evaluate, defaultFunc).
const DEFAULT = /\bdefault\s*\([^(),]*,[^()]*\)/g;
const COMPARISONS: ReadonlySet<string | undefined> = new Set(['==', '!=', '<', '<=', '>', '>=']);
const MAX_LENGTH = 2_000;

/**
 * Returns whether a condition compares `result` itself with something other than nil or a list. Elements and fields of
 * the result do not count, nor does the return value of a function, except of `default`. Conditions of more than 2,000 characters are not
 * checked.
 *
 * @param condition - a condition in the expression language of Argo Rollouts
 */
export function comparesWholeResult(condition: string): boolean {
  if (condition.length > MAX_LENGTH) return false;
  const tokens = (condition.replaceAll(DEFAULT, 'result').match(TOKEN) ?? []).filter((token) => token.trim() !== '');
  return tokens.some((token, index) => {
    if (!COMPARISONS.has(token)) return false;
    const [beforeLeft, left, right, afterRight] = [
      tokens[index - 2],
      tokens[index - 1],
      tokens[index + 1],
      tokens[index + 2],
    ];
    if (left === 'result' && !isAccess(beforeLeft)) return right !== 'nil' && right !== '[';
    if (right === 'result' && !isAccess(afterRight) && afterRight !== '[' && afterRight !== '(')
      return left !== 'nil' && left !== ']';
    return false;
  });
}

function isAccess(token: string | undefined): boolean {
  return token === '.' || token === '?.';
}
