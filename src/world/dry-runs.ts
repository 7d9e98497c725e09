import { nameRulesOf } from './analysis.ts';
import { getOrAdd } from './get-or-add.ts';
import { spendingMatcher } from './metrics.ts';
import type { KubeObject } from './object.ts';

// Bounds the work, because each rule is tried with each metric.
const MOST_RULES = 20;

/**
 * Returns a function that reports whether a metric may be in a dry run of its template, so that its result does not
 * count. With more rules than are tried, each metric may be.
 *
 * @param spend - Counts operations, before they are done.
 */
export function dryRunsOf(template: KubeObject, spend: (operations: number) => void): (metric: string) => boolean {
  const rules = nameRulesOf(template, 'dryRun');
  if (rules.length > MOST_RULES) return () => true;
  const matchers = new Map<string, ReturnType<typeof spendingMatcher>>();
  const matcherOf = (pattern: string): ReturnType<typeof spendingMatcher> =>
    getOrAdd(matchers, pattern, () => spendingMatcher(pattern, spend));
  return (metric) => rules.some(({ pattern }) => matcherOf(pattern)?.(metric) !== false);
}
