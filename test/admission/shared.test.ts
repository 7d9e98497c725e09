import { describe, expect, it } from 'vitest';
import { introducedBy } from '../../src/admission/introduced.ts';
import { renderText } from '../../src/rules/finding.ts';
import { serviceShared } from '../../src/rules/service-shared/rule.ts';
import type { KubeObject } from '../../src/world/object.ts';
import { storeOf } from '../../src/world/store.ts';
import { destinations, istio, rollout, service, times, virtualService } from '../growth/objects.ts';

const MANY = 14;

const SHARED = [
  ['a Service', { stableService: 'one', canaryService: 'two' }, [service('one', 'x'), service('two', 'x')]],
  [
    'a route of a VirtualService',
    istio('shared', ['main']),
    [virtualService('shared', { http: [{ name: 'main', route: destinations('one') }] })],
  ],
  ['a DestinationRule', { trafficRouting: { istio: { destinationRule: { name: 'shared' } } } }, []],
] as const;

describe.each(SHARED)('many Rollouts of %s', (_what, canary, objects) => {
  const sharing = (index: number): KubeObject => rollout(`app-${index + 10}`, { canary });
  const sharers = times(MANY, sharing);
  const world = storeOf([...objects, ...sharers]);
  const told = (changes: Parameters<typeof introducedBy>[1]): string[] =>
    introducedBy(world, changes, [serviceShared]).findings.map(renderText);

  it('are told nothing new when one of them leaves, whichever it is', () => {
    for (const leaving of sharers) {
      const others = sharers.filter((other) => other !== leaving);
      const changes = others.map((other) => ({
        before: other,
        after: { ...other, metadata: { ...other.metadata, labels: { changed: 'yes' } } },
      }));
      expect(told([{ before: leaving, after: undefined }, ...changes])).toEqual([]);
    }
  });

  it('are no excuse for one more', () => {
    const [text, ...more] = told([{ before: undefined, after: sharing(MANY) }]);
    expect(text).toContain(`Rollout "app-10" (one of ${MANY})`);
    for (const other of more) expect(other).toContain(`Rollout "app-10" (one of ${MANY})`);
  });
});
