import { expect, it } from 'vitest';
import { testRule } from '../../../test/support/rule-tester.ts';
import { evaluate } from '../engine.ts';
import type { KubeObject } from '../../world/object.ts';
import { storeOf } from '../../world/store.ts';
import { destinationRuleSubsets } from './rule.ts';

testRule(destinationRuleSubsets, import.meta.dirname, {
  'bad-host-of-another-service.yaml': [
    {
      message: 'host',
      object: 'DestinationRule shop/reviews',
      path: 'spec.host',
      at: '26:3',
      text: 'DestinationRule "reviews" is for Service "reviews" of namespace "shop", but unnamed http route of VirtualService "reviews-public" sends to subset "stable" of Service "reviews" of namespace "edge": write the same host in both, with namespace and domain [destinationrule-subsets]',
    },
    {
      message: 'host',
      object: 'DestinationRule shop/reviews',
      path: 'spec.host',
      at: '26:3',
      text: 'DestinationRule "reviews" is for Service "reviews" of namespace "shop", but unnamed http route of VirtualService "reviews" sends to subset "canary" of Service "reviews-v2" of namespace "shop": write the same host in both, with namespace and domain [destinationrule-subsets]',
    },
  ],
  'bad-names-left-out.yaml': [
    {
      message: 'unnamed',
      object: 'Rollout shop/ratings',
      path: 'spec.strategy.canary.trafficRouting.istio.destinationRule.canarySubsetName',
      at: '42:11',
      text: 'the Rollout has a destinationRule without canarySubsetName: set canarySubsetName, or remove destinationRule to shift traffic between Services [destinationrule-subsets]',
    },
    {
      message: 'unnamed',
      object: 'Rollout shop/ratings',
      path: 'spec.strategy.canary.trafficRouting.istio.destinationRule.name',
      at: '42:11',
      text: 'the Rollout has a destinationRule without name: set name, or remove destinationRule to shift traffic between Services [destinationrule-subsets]',
    },
    {
      message: 'unnamed',
      object: 'Rollout shop/ratings',
      path: 'spec.strategy.canary.trafficRouting.istio.destinationRule.stableSubsetName',
      at: '42:11',
      text: 'the Rollout has a destinationRule without stableSubsetName: set stableSubsetName, or remove destinationRule to shift traffic between Services [destinationrule-subsets]',
    },
    {
      message: 'unnamed',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.canary.trafficRouting.istio.destinationRule.canarySubsetName',
      at: '13:11',
      text: 'the Rollout has a destinationRule without canarySubsetName: set canarySubsetName, or remove destinationRule to shift traffic between Services [destinationrule-subsets]',
    },
  ],
  'bad-no-subsets-at-all.yaml': [
    {
      message: 'absent',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.canary.trafficRouting.istio.destinationRule.canarySubsetName',
      at: '16:13',
      text: 'DestinationRule "reviews" has no subset "canary" (it has none): name in canarySubsetName a subset that it has, or add this one first [destinationrule-subsets]',
    },
    {
      message: 'absent',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.canary.trafficRouting.istio.destinationRule.stableSubsetName',
      at: '15:13',
      text: 'DestinationRule "reviews" has no subset "stable" (it has none): name in stableSubsetName a subset that it has, or add this one first [destinationrule-subsets]',
    },
  ],
  'bad-one-subset-for-both.yaml': [
    {
      message: 'same',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.canary.trafficRouting.istio.destinationRule.stableSubsetName',
      at: '15:13',
      text: 'subset "main" is named for the stable and for the canary pods, so all traffic goes to the canary at once: make two subsets of the host, and name one of them in stableSubsetName [destinationrule-subsets]',
    },
  ],
  'bad-subset-misspelt.yaml': [
    {
      message: 'absent',
      object: 'Rollout shop/reviews',
      path: 'spec.strategy.canary.trafficRouting.istio.destinationRule.canarySubsetName',
      at: '16:13',
      text: 'DestinationRule "reviews" has no subset "canray" (it has "canary", "stable"): name in canarySubsetName a subset that it has, or add this one first [destinationrule-subsets]',
    },
  ],
  'good-same-service-in-two-forms.yaml': [],
  'good-subset-of-another-destination-rule.yaml': [],
  'good-wildcard-host.yaml': [],
});

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
    'not all DestinationRules that may be for host "reviews" can be known',
  ]);
  expect(
    evaluate(storeOf(objects), [rollout], [destinationRuleSubsets]).findings.map(({ messageId }) => messageId),
  ).toEqual(['host']);
});
