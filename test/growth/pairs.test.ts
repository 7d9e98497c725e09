import { describe, expect, it } from 'vitest';
// First, so that V8 counts in all other modules.
import { countOperations, growthOf } from '../support/operations.ts';
import { findIntroduced } from '../../src/admission/introduced.ts';
import { Budget } from '../../src/rules/budget.ts';
import { finish } from '../../src/rules/engine.ts';
import { RULES } from '../../src/rules/index.ts';
import type { KubeObject } from '../../src/world/object.ts';
import { storeOf } from '../../src/world/store.ts';
import { analysisStep, metric, template, times } from './objects.ts';
import { argument, one, queryOf, type Dimension } from './setups.ts';

// What an analysis makes of each metric or argument of its templates, or a finding of each key of its path. Of n analyses
// and n metrics that is n * n, which nothing can make smaller, so it must end at the budget of a check.

const BUDGET = { operations: 1_000_000, operationsOfCheck: 2_000, subjects: 100, expired: (): boolean => false };

const PAIRS: readonly Dimension[] = [
  {
    title: 'analysis steps with one large template and one of their own',
    make: (n) =>
      one(
        { steps: times(n, (i) => analysisStep(['large', `t-${i}`])) },
        template('large', {
          args: times(n, argument),
          metrics: times(n, (i) => metric(`m-${i}`, `{{args.arg-${i}}}`)),
        }),
        ...times(n, (i) => template(`t-${i}`)),
      ),
  },
  {
    title: 'analysis steps, and limits of metrics that depend on arguments',
    make: (n) =>
      one(
        { steps: times(n, (i) => analysisStep(['t'], [{ name: 'a', value: String(i + 1) }])) },
        template('t', {
          args: [{ name: 'a' }],
          metrics: times(n, (i) => metric(`m-${i}`, 'vector(1)', { count: '{{args.a}}' })),
        }),
      ),
  },
  {
    title: 'analysis steps, and names of metrics that depend on arguments',
    make: (n) =>
      one(
        { steps: times(n, (i) => analysisStep(['t'], [{ name: 'a', value: `v-${i}` }])) },
        template('t', { args: [{ name: 'a' }], metrics: times(n, (i) => metric(`{{args.a}}-${i}`)) }),
      ),
  },
  {
    title: 'analysis steps with an argument that is not declared, and arguments',
    make: (n) =>
      one(
        { steps: times(n, () => analysisStep(['t'], [{ name: 'argument', value: 'x' }])) },
        template('t', {
          args: times(n, (i) => ({ name: `argumen${i}`, value: 'x' })),
          metrics: [metric('m', queryOf(n, 'argumen'))],
        }),
      ),
  },
  {
    title: 'placeholders at the end of a deep value',
    make: (n) =>
      one(
        { steps: [analysisStep(['t'])] },
        template('t', {
          args: [argument(0)],
          metrics: [
            {
              name: 'm',
              provider: {
                plugin: {
                  deep: deep(
                    times(n, (i) => `{{args.x-${i}}}`),
                    n,
                  ),
                },
              },
            },
          ],
        }),
      ),
  },
  {
    title: 'analysis steps with rules for dry runs that match none of long names',
    make: (n) =>
      one(
        { steps: times(n, (i) => analysisStep(['t'], [], { dryRun: [{ metricName: `x-${i}` }] })) },
        template('t', { metrics: times(n, (i) => metric('x'.repeat(2_000) + String(i))) }),
      ),
  },
];

function deep(value: unknown, levels: number): unknown {
  let result = value;
  for (let level = 0; level < levels; level++) result = { inner: result };
  return result;
}

function check(objects: readonly KubeObject[]): () => void {
  const world = storeOf([]);
  const changes = objects.map((after) => ({ before: undefined, after }));
  return () => void finish(findIntroduced(world, changes, RULES, new Budget(BUDGET)));
}

describe.each(PAIRS)('the cost of $title', ({ make }) => {
  it('grows no faster than they do where it ends at the budget', () => {
    check(make(2))();
    const [few, many] = countOperations(check(make(100)), check(make(400)));
    expect(many.total / few.total < 5 ? [] : growthOf(few, many)).toEqual([]);
  });
});
