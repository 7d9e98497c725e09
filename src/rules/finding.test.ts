import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../world/object.ts';
import { identity, introduced, type Finding } from './finding.ts';

const few = fc.constantFrom('a', 'b');

/** Findings of few identities, so that many are equal. Each has objects of its own. */
const findings = fc.array(
  fc.record({ rule: few, messageId: few, subject: few, object: few, anchor: few }).map((parts): Finding => {
    const named = (name: string): KubeObject => ({ apiVersion: 'v1', kind: 'Service', metadata: { name } });
    return {
      ...parts,
      subject: named(parts.subject),
      object: named(parts.object),
      class: 'invalid',
      path: [],
      related: [],
      message: { text: '', fix: '' },
      data: {},
      dependsOn: [],
    };
  }),
  { maxLength: 12 },
);

/** Takes away the findings of before one by one. */
function difference(after: readonly Finding[], before: readonly Finding[]): Finding[] {
  const left = before.map(identity);
  return after.filter((finding) => {
    const index = left.indexOf(identity(finding));
    if (index < 0) return true;
    left.splice(index, 1);
    return false;
  });
}

describe('introduced', () => {
  it('is the difference of multisets, with the first of equal findings taken as old', () => {
    fc.assert(
      fc.property(findings, findings, findings, (same, after, before) => {
        expect(introduced([...same, ...after], [...same, ...before])).toEqual(difference(after, before));
        const [news, olds] = [introduced(after, before), difference(after, before)];
        expect(news.map((finding) => after.indexOf(finding))).toEqual(olds.map((finding) => after.indexOf(finding)));
      }),
    );
  });

  it('is nothing if the same is found', () => {
    fc.assert(
      fc.property(findings, (same) => {
        expect(introduced([...same], [...same])).toEqual([]);
      }),
    );
  });
});
