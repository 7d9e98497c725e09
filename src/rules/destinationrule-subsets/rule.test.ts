import { expect, it } from 'vitest';
import { testRule } from '../../../test/support/rule-tester.ts';
import { evaluate } from '../engine.ts';
import type { KubeObject } from '../../world/object.ts';
import { storeOf } from '../../world/store.ts';
import { destinationRuleSubsets } from './rule.ts';

testRule(destinationRuleSubsets, import.meta.dirname);

it('does not say that a host is wrong where a DestinationRule that makes it right may be hidden', () => {
  const object = (apiVersion: string, kind: string, namespace: string, spec: object): KubeObject => ({
    apiVersion,
    kind,
    metadata: { name: 'reviews', namespace },
    spec,
  });
  const istio = {
    virtualService: { name: 'reviews.edge' },
    destinationRule: { name: 'reviews', canarySubsetName: 'canary', stableSubsetName: 'stable' },
  };
  const rollout = object('argoproj.io/v1alpha1', 'Rollout', 'shop', {
    strategy: { canary: { trafficRouting: { istio } } },
  });
  const route = [{ destination: { host: 'reviews', subset: 'canary' } }];
  const objects = [
    rollout,
    object('networking.istio.io/v1', 'DestinationRule', 'shop', {
      host: 'reviews',
      subsets: [{ name: 'canary' }, { name: 'stable' }],
    }),
    object('networking.istio.io/v1', 'VirtualService', 'edge', { http: [{ route }] }),
  ];
  const hidden = evaluate(
    storeOf(objects, (kind, namespace) =>
      kind.startsWith('DestinationRule') && namespace === 'edge' ? 'forbidden' : undefined,
    ),
    [rollout],
    [destinationRuleSubsets],
  );
  expect(hidden.findings).toEqual([]);
  expect(hidden.skipped.map(({ reason }) => reason)).toEqual([
    'cannot read all DestinationRules that may be for host "reviews"',
  ]);
  expect(
    evaluate(storeOf(objects), [rollout], [destinationRuleSubsets]).findings.map(({ messageId }) => messageId),
  ).toEqual(['host']);
});
