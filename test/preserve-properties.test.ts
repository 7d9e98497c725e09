import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PRESERVERS } from '../src/preserve/index.ts';
import type { Preserver } from '../src/preserve/define.ts';
import { maybe } from './support/arbitraries.ts';
import { blows, damage } from './support/preserve/damage.ts';
import { BETWEEN, heldBack, OBJECTS } from './support/preserve/random-objects.ts';
import { rollout } from './support/preserve/random-rollouts.ts';
import { userPartsOf } from './support/preserve/user-parts.ts';
import { apply } from './support/preserver-tester.ts';

const runs = { numRuns: 400 };

describe.each(PRESERVERS.map((keep): [string, Preserver] => [keep.id, keep]))('%s', (id, keep) => {
  const kinds = OBJECTS[id] ?? [];
  it('has test objects', () => {
    expect(kinds).not.toEqual([]);
  });

  for (const objects of kinds) {
    const input = fc
      .tuple(objects, maybe(objects), rollout, fc.boolean())
      .map(([submitted, old, subject, again]) => [submitted, again ? heldBack(submitted, old) : old, subject] as const);

    it('returns a valid patch, leaves its input unchanged, and needs no second run', () => {
      fc.assert(
        fc.property(input, ([submitted, old, subject]) => {
          apply(keep, submitted, old, subject, BETWEEN);
        }),
        runs,
      );
    });

    it('changes only what the controller owns', () => {
      fc.assert(
        fc.property(input, ([submitted, old, subject]) => {
          expect(userPartsOf(apply(keep, submitted, old, subject, BETWEEN).object)).toEqual(userPartsOf(submitted));
        }),
        runs,
      );
    });

    it('changes some of the random objects', () => {
      const useful = fc
        .sample(input, 2000)
        .filter(([submitted, old, subject]) => apply(keep, submitted, old, subject, BETWEEN).operations.length > 0);
      expect(useful.length).toBeGreaterThan(20);
    });

    it('accepts any JSON in any place', () => {
      fc.assert(
        fc.property(input, blows, blows, blows, ([submitted, old, subject], first, second, third) => {
          apply(
            keep,
            damage(submitted, first),
            old === undefined ? undefined : damage(old, second),
            damage(subject, third),
            BETWEEN,
          );
        }),
        { numRuns: 1500 },
      );
    });

    it('preserves nothing for a Rollout that has no status, is being deleted, or is in another namespace', () => {
      fc.assert(
        fc.property(input, ([submitted, old, subject]) => {
          const strangers = [
            { ...subject, status: {} },
            { ...subject, metadata: { ...subject.metadata, deletionTimestamp: '2026-01-01T00:00:00Z' } },
            { ...subject, metadata: { ...subject.metadata, namespace: 'elsewhere' } },
          ];
          for (const stranger of strangers)
            expect(apply(keep, submitted, old, stranger, BETWEEN)).toMatchObject({ operations: [], notes: [] });
        }),
        runs,
      );
    });
  }
});
