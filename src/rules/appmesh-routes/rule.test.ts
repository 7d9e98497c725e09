import { expect, it } from 'vitest';
import { testRule } from '../../../test/support/rule-tester.ts';
import { bundleWorld } from '../../world/manifests.ts';
import type { KubeObject } from '../../world/object.ts';
import { evaluate } from '../engine.ts';
import { renderText } from '../finding.ts';
import { appMeshRoutes } from './rule.ts';

testRule(appMeshRoutes, import.meta.dirname);

it('does not compare the namespace of a VirtualNode with that of a Rollout, which may be assumed', () => {
  const of = (apiVersion: string, kind: string, spec: object): KubeObject => ({
    apiVersion,
    kind,
    metadata: { name: 'reviews', namespace: 'default' },
    spec,
  });
  const nodes = (namespace?: string): object[] =>
    ['reviews', 'reviews-canary'].map((name) => ({ virtualNodeRef: { name, namespace }, weight: 50 }));
  const rollout = of('argoproj.io/v1alpha1', 'Rollout', {
    strategy: {
      canary: {
        trafficRouting: {
          appMesh: {
            virtualService: { name: 'reviews' },
            virtualNodeGroup: {
              stableVirtualNodeRef: { name: 'reviews' },
              canaryVirtualNodeRef: { name: 'reviews-canary' },
            },
          },
        },
      },
    },
  });
  const messages = (weightedTargets: object[]): string[] => {
    const objects = [
      rollout,
      of('appmesh.k8s.aws/v1beta2', 'VirtualService', {
        provider: { virtualRouter: { virtualRouterRef: { name: 'reviews' } } },
      }),
      of('appmesh.k8s.aws/v1beta2', 'VirtualRouter', {
        routes: [{ name: 'main', httpRoute: { action: { weightedTargets } } }],
      }),
    ];
    return evaluate(bundleWorld(objects), [rollout], [appMeshRoutes]).findings.map(renderText);
  };
  expect(messages(nodes('shop'))).toEqual([]);
  expect(messages([...nodes().slice(1), { virtualNodeRef: { name: 'old' }, weight: 50 }])).toEqual([
    expect.stringContaining('does not send to stable VirtualNode "reviews"'),
  ]);
});
