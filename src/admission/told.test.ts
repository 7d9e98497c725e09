import { describe, expect, it } from 'vitest';
import type { Finding } from '../rules/finding.ts';
import type { KubeObject } from '../world/object.ts';
import type { DecidedFinding } from './decisions.ts';
import { finish } from '../rules/engine.ts';
import { toldOf, type Told } from './told.ts';

function told(all: readonly DecidedFinding[]): Told {
  return finish(toldOf(all));
}

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
    const { findings, more } = told(all);
    expect(findings).toHaveLength(22);
    expect(more).toEqual({ deny: 0, warn: 0 });
  });

  it('is 20 findings of one rule about one subject, with the denials first', () => {
    const { findings, more } = told([...decided(50, 'warn'), ...decided(5, 'deny', { anchor: 'zone' })]);
    expect(findings.map(({ decision }) => decision)).toEqual([
      ...Array<string>(5).fill('deny'),
      ...Array<string>(15).fill('warn'),
    ]);
    expect(more).toEqual({ deny: 0, warn: 35 });
    const subjects = [rollout('a'), rollout('b')].flatMap((subject) => decided(30, 'warn', { subject }));
    expect(told(subjects).findings).toHaveLength(40);
  });

  it('is 100 findings in all, of which no denial is left out for a warning', () => {
    const rules = Array.from({ length: 10 }, (_, index) => `rule-${index}`);
    const warnings = rules.flatMap((rule) => decided(20, 'warn', { rule }));
    const denials = decided(3, 'deny', { rule: 'z-rule', subject: rollout('zone') });
    const { findings, more } = told([...warnings, ...denials]);
    expect(findings).toHaveLength(100);
    expect(findings.slice(0, 3).map(({ decision }) => decision)).toEqual(['deny', 'deny', 'deny']);
    expect(more).toEqual({ deny: 0, warn: 103 });
  });

  it('is the same in every order', () => {
    const all = [...decided(60, 'deny'), ...decided(60, 'warn', { rule: 'other-rule' })];
    expect(told(all.toReversed())).toEqual(told(all));
  });

  it('lets others have their turn after some hundred findings', () => {
    let read = 0;
    const counted = decided(3_000, 'deny').map(({ finding, ...rest }, index) => ({
      ...rest,
      finding: Object.defineProperty({ ...finding }, 'anchor', { get: () => `${++read} ${index}` }),
    }));
    const work = toldOf(counted);
    const slices: number[] = [];
    for (let done = false; !done;) {
      const before = read;
      done = work.next().done === true;
      slices.push(read - before);
    }
    expect(read).toBeGreaterThanOrEqual(3_000);
    expect(Math.max(...slices)).toBeLessThanOrEqual(250);
  });
});
