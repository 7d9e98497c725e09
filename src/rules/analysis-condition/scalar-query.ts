import type { Metric } from '../../world/analysis.ts';
import { placeholdersIn } from '../../world/placeholders.ts';
import { asString, dig } from '../../world/read.ts';

const MAX_LENGTH = 2_000;
const TOKEN = /\s*(?:([A-Za-z_:][\w:]*)|(\d+(?:\.\d+)?)(?![\w.])|([-+*/%^()]))/y;
const STRING = /"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`[^`]*`/g;

/** A query that yields one number. */
export interface Scalar {
  /** The first placeholder in it, whose values can hardly make it yield a list. */
  readonly tag: string | undefined;
}

/**
 * Returns whether the query of a metric is a scalar of PromQL as a whole: numbers, `time()`, `pi()` and `scalar(...)`,
 * with operators between them. Returns undefined where that is not certain, and for a range query, which yields a list of
 * any expression. Source: Prometheus, `promql/parser` (types of expressions); Argo Rollouts v1.9.1,
 * `metricproviders/prometheus` (`processResponse`).
 */
export function scalarOf(metric: Metric): Scalar | undefined {
  const prometheus = dig(metric.raw, 'provider', 'prometheus');
  const query = asString(dig(prometheus, 'query'));
  if (query.length > MAX_LENGTH || dig(prometheus, 'rangeQuery') !== undefined) return undefined;
  const { tags, unclosed } = placeholdersIn(query);
  if (unclosed) return undefined;
  const text = query.replaceAll(/\{\{[^]*?\}\}/g, 'x').replaceAll(STRING, ' x ');
  // What follows # is a comment.
  if (/["'`#]/.test(text) || !isScalar(text)) return undefined;
  return { tag: tags[0] };
}

// Operands and operators take turns. Nesting needs a count only, because ( stands where an operand does.
function isScalar(text: string): boolean {
  const rest = text.trim();
  let at = 0;
  let depth = 0;
  let needsOperand = true;
  while (at < rest.length) {
    TOKEN.lastIndex = at;
    const [whole = '', name, number, sign] = TOKEN.exec(rest) ?? [];
    if (whole === '') return false;
    at += whole.length;
    if (!needsOperand) {
      if (sign === undefined || sign === '(') return false;
      if (sign !== ')') needsOperand = true;
      else if (--depth < 0) return false;
    } else if (number !== undefined) needsOperand = false;
    else if (sign === '(') depth++;
    else if (name !== undefined) {
      const end = endOfCall(rest, at, name);
      if (end === undefined) return false;
      at = end;
      needsOperand = false;
    } else if (sign !== '-' && sign !== '+') return false;
  }
  return !needsOperand && depth === 0;
}

// Returns where a call of a function ends that yields a scalar.
function endOfCall(text: string, at: number, name: string): number | undefined {
  if (name === 'time' || name === 'pi') {
    const call = /^\s*\(\s*\)/.exec(text.slice(at, at + MAX_LENGTH))?.[0];
    return call === undefined ? undefined : at + call.length;
  }
  if (name !== 'scalar' || !/^\s*\(\s*[^\s)]/.test(text.slice(at))) return undefined;
  let depth = 0;
  for (let end = at; end < text.length; end++) {
    if (text[end] === '(') depth++;
    if (text[end] === ')' && --depth === 0) return end + 1;
  }
  return undefined;
}
