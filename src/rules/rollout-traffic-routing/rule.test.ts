import { expect, it } from 'vitest';
import { testRule } from '../../../test/support/rule-tester.ts';
import { bundleWorld } from '../../world/manifests.ts';
import type { KubeObject } from '../../world/object.ts';
import { evaluate } from '../engine.ts';
import { identity } from '../finding.ts';
import { rolloutTrafficRouting } from './rule.ts';

testRule(rolloutTrafficRouting, import.meta.dirname);

it('takes each field of App Mesh that names nothing for a mistake of its own', () => {
  const mistakes = (appMesh: object): string[] => {
    const rollout: KubeObject = {
      apiVersion: 'argoproj.io/v1alpha1',
      kind: 'Rollout',
      metadata: { name: 'reviews', namespace: 'shop' },
      spec: { strategy: { canary: { trafficRouting: { appMesh } } } },
    };
    return evaluate(bundleWorld([rollout]), [rollout], [rolloutTrafficRouting]).findings.map(identity);
  };
  const nodes = { stableVirtualNodeRef: { name: 'reviews' }, canaryVirtualNodeRef: { name: 'reviews-canary' } };
  const [withoutNodes, ...others] = mistakes({ virtualService: { name: 'reviews' } });
  const [withoutService, ...more] = mistakes({ virtualService: { name: '' }, virtualNodeGroup: nodes });
  expect([others, more]).toEqual([[], []]);
  expect(withoutNodes).not.toEqual(withoutService);
});
