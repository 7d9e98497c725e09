import { describe, expect, it } from 'vitest';
import { scanWorld } from '../../src/commands/scan.ts';
import { DEFAULT_POLICY } from '../../src/policy/policy.ts';
import { objectsOf } from '../support/gate.ts';
import { storeOf } from '../../src/world/store.ts';

const CONTROLLERS = ['argo-rollouts', 'tenant-a', 'tenant-b']
  .map(
    (namespace) => `
apiVersion: apps/v1
kind: Deployment
metadata: { name: argo-rollouts, namespace: ${namespace}, labels: { app.kubernetes.io/name: argo-rollouts } }
spec:
  selector: { matchLabels: { app: it } }
  template: { metadata: { labels: { app: it } }, spec: { serviceAccountName: it } }
`,
  )
  .join('---');

describe('rollgate scan', () => {
  const world = storeOf(objectsOf(CONTROLLERS));
  const account = (namespace: string): string => `system:serviceaccount:${namespace}:it`;
  const [a, b] = [account('tenant-a'), account('tenant-b')];
  const controllers = (change: Partial<(typeof DEFAULT_POLICY)['controllers']>) => ({
    ...DEFAULT_POLICY,
    controllers: { ...DEFAULT_POLICY.controllers, ...change },
  });

  it.each([
    ['by default', {}, undefined, [a, b]],
    ['of one namespace', {}, 'tenant-b', [b]],
    ['that the policy does not name', { namespaces: ['tenant-a'] }, undefined, [account('argo-rollouts'), b]],
    ['without discovery', { discover: false }, undefined, []],
  ])('lists accounts that only look like controllers: %s', (_, change, namespace, accounts) => {
    expect(scanWorld(world, [], controllers(change), namespace)).toMatchObject({
      verdict: 'allow',
      untrustedControllers: accounts,
    });
  });
});
