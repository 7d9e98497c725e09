import { describe, expect, it } from 'vitest';
import { dryRunsOf } from './dry-runs.ts';
import type { KubeObject } from './object.ts';

const withRules = (...patterns: readonly string[]): KubeObject => ({
  apiVersion: 'argoproj.io/v1alpha1',
  kind: 'AnalysisTemplate',
  metadata: { name: 't' },
  spec: { dryRun: patterns.map((metricName) => ({ metricName })) },
});
const free = (): void => undefined;

describe('dryRunsOf', () => {
  it.each([
    [['errors'], true],
    [['^err.*s$'], true],
    [['latency'], false],
    [['('], false],
    [[], false],
    // What is not tried may match.
    [['a'.repeat(501)], true],
    [[`(${'ab'.repeat(240)}){1000}`], true],
    [Array.from({ length: 21 }, (_, index) => `rule-${index}`), true],
  ])('with the rules %j, a metric may be in a dry run: %j', (patterns, expected) => {
    expect(dryRunsOf(withRules(...patterns), free)('errors')).toBe(expected);
  });

  it('counts each expression once, and each search before it', () => {
    const spent: number[] = [];
    const isDryRun = dryRunsOf(withRules('(a?){99}b'), (operations) => spent.push(operations));
    expect(spent).toEqual([]);
    isDryRun('errors');
    isDryRun('a'.repeat(100_000));
    expect(spent).toEqual([1_485, 31, 505_000]);
  });

  it('does nothing that may not be spent', () => {
    const isDryRun = dryRunsOf(withRules('(a?){99}b'), (operations) => {
      if (operations > 2_000) throw new Error('no more');
    });
    expect(isDryRun('errors')).toBe(false);
    expect(() => isDryRun('a'.repeat(100_000))).toThrow('no more');
  });
});
