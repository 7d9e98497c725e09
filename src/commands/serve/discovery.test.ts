import { expect, it } from 'vitest';
import { DEFAULT_POLICY } from '../../policy/policy.ts';
import { storeOf } from '../../world/store.ts';
import { discoveryIn } from './discovery.ts';

it('finds the controllers as soon as Deployments are known, although it found none an instant before', () => {
  let unread = true;
  const controller = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: {
      name: 'argo-rollouts',
      namespace: 'argo-rollouts',
      labels: { 'app.kubernetes.io/name': 'argo-rollouts' },
    },
    spec: { template: { spec: { serviceAccountName: 'argo-rollouts' } } },
  };
  const discovered = discoveryIn(
    storeOf([controller], () => (unread ? 'not read yet' : undefined)),
    () => DEFAULT_POLICY,
  );
  expect(discovered()).toEqual({ trusted: [], untrusted: [] });
  unread = false;
  expect(discovered()).toEqual({ trusted: ['system:serviceaccount:argo-rollouts:argo-rollouts'], untrusted: [] });
});
