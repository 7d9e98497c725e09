import { describe, expect, it } from 'vitest';
import type { Rule } from './define.ts';
import { RuleIndex } from './rule-index.ts';

function rule(id: string, subject: Rule['subject'], reads: Rule['reads']): Rule {
  return { id, subject, reads } as unknown as Rule;
}

describe('RuleIndex', () => {
  const rules = [
    rule('alone', ['Rollout.argoproj.io'], []),
    rule('across', ['Rollout.argoproj.io', 'Service'], ['Service']),
    rule('other', ['Experiment.argoproj.io'], ['Ingress.networking.k8s.io']),
  ];

  it('is made once for a list of rules', () => {
    expect(RuleIndex.of(rules)).toBe(RuleIndex.of(rules));
    expect(RuleIndex.of([...rules])).not.toBe(RuleIndex.of(rules));
  });

  it('finds rules by the kind of their subjects', () => {
    const { alone, across } = RuleIndex.of(rules).forSubject('Rollout.argoproj.io');
    expect([alone, across].map((found) => found.map(({ id }) => id))).toEqual([['alone'], ['across']]);
    expect(RuleIndex.of(rules).forSubject('ConfigMap')).toEqual({ alone: [], across: [] });
    expect(
      RuleIndex.of(rules)
        .forSubject('Service')
        .across.map(({ id }) => id),
    ).toEqual(['across']);
  });

  it('finds rules by the kinds that they look at, in any order', () => {
    const index = RuleIndex.of(rules);
    const both = index.reading(new Set(['Service', 'Ingress.networking.k8s.io']));
    expect(both.map(({ id }) => id)).toEqual(['across', 'other']);
    expect(index.reading(new Set(['Ingress.networking.k8s.io', 'Service']))).toBe(both);
    expect(index.reading(new Set(['Service'])).map(({ id }) => id)).toEqual(['across']);
    expect(index.reading(new Set())).toEqual([]);
  });
});
