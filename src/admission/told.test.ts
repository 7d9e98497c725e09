import { describe, expect, it } from 'vitest';
import type { Finding } from '../rules/finding.ts';
import type { KubeObject } from '../world/object.ts';
import type { DecidedFinding } from './decisions.ts';
import { toldOf } from './told.ts';

function rollout(name: string): KubeObject {
  return { apiVersion: 'argoproj.io/v1alpha1', kind: 'Rollout', metadata: { name, namespace: 'shop' } };
}

function decided(count: number, decision: 'deny' | 'warn', more: Partial<Finding> = {}): DecidedFinding[] {
  const subject = more.subject ?? rollout('web');
  return Array.from({ length: count }, (_, index) => ({
    decision,
    finding: {
      rule: 'some-rule',
      messageId: 'some',
      class: 'invalid',
      subject,
      object: subject,
      path: ['spec', 'steps', index],
      related: [],
      anchor: `step ${String(index).padStart(3, '0')}`,
      message: { text: 'wrong', fix: 'fix it' },
      data: {},
      dependsOn: [],
      ...more,
    },
  }));
}

describe('what the user is told', () => {
  it('is everything where there is little', () => {
    const all = [...decided(2, 'deny'), ...decided(20, 'warn', { rule: 'other-rule' })];
    const { findings, more } = toldOf(all);
    expect(findings).toHaveLength(22);
    expect(more).toEqual({ deny: 0, warn: 0 });
  });

  it('is 20 findings of one rule about one subject, with the denials first', () => {
    const { findings, more } = toldOf([...decided(50, 'warn'), ...decided(5, 'deny', { anchor: 'zone' })]);
    expect(findings.map(({ decision }) => decision)).toEqual([
      ...Array<string>(5).fill('deny'),
      ...Array<string>(15).fill('warn'),
    ]);
    expect(more).toEqual({ deny: 0, warn: 35 });
    const subjects = [rollout('a'), rollout('b')].flatMap((subject) => decided(30, 'warn', { subject }));
    expect(toldOf(subjects).findings).toHaveLength(40);
  });

  it('is 100 findings in all, of which no denial is left out for a warning', () => {
    const rules = Array.from({ length: 10 }, (_, index) => `rule-${index}`);
    const warnings = rules.flatMap((rule) => decided(20, 'warn', { rule }));
    const denials = decided(3, 'deny', { rule: 'z-rule', subject: rollout('zone') });
    const { findings, more } = toldOf([...warnings, ...denials]);
    expect(findings).toHaveLength(100);
    expect(findings.slice(0, 3).map(({ decision }) => decision)).toEqual(['deny', 'deny', 'deny']);
    expect(more).toEqual({ deny: 0, warn: 103 });
  });

  it('is the same in every order', () => {
    const all = [...decided(60, 'deny'), ...decided(60, 'warn', { rule: 'other-rule' })];
    expect(toldOf(all.toReversed())).toEqual(toldOf(all));
  });
});
