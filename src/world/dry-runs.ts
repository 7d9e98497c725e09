import { nameRulesOf } from './analysis.ts';
import { nameMatcher } from './metrics.ts';
import type { KubeObject } from './object.ts';

// Bounds the work, because each rule is tried with each metric.
const MOST_RULES = 20;

/**
 * Returns a function that reports whether a metric may be in a dry run of its template, so that its result does not
 * count. With more rules than are tried, each metric may be.
 */
export function dryRunsOf(template: KubeObject): (metric: string) => boolean {
  const rules = nameRulesOf(template, 'dryRun');
  if (rules.length > MOST_RULES) return () => true;
  const matchers = rules.map(({ pattern }) => nameMatcher(pattern));
  return (metric) => matchers.some((matches) => matches?.(metric) !== false);
}
